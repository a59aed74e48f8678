using System.IO.Pipelines;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MixKVQ.AgentConnector.Tests.ModelContextProtocol;

/// <summary>A server of the Model Context Protocol and a client connected to it by two pipes in memory.</summary>
internal sealed class InProcessMcpServer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly McpServer _server;
    private readonly Task _running;

    private InProcessMcpServer(CancellationTokenSource stop, McpServer server, Task running, McpClient client)
    {
        _stop = stop;
        _server = server;
        _running = running;
        Client = client;
    }

    /// <summary>The connected client.</summary>
    public McpClient Client { get; }

    /// <summary>Starts a server with <paramref name="tools"/> and connects.</summary>
    public static async Task<InProcessMcpServer> StartAsync(CancellationToken cancellationToken, params McpServerTool[] tools)
    {
        var requests = new Pipe();
        var responses = new Pipe();
        var options = new McpServerOptions
        {
            ServerInfo = new Implementation { Name = "store", Version = "1.0" },
            ToolCollection = [.. tools],
        };
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        McpServer server = McpServer.Create(new StreamServerTransport(requests.Reader.AsStream(), responses.Writer.AsStream()), options);
        Task running = server.RunAsync(stop.Token);
        McpClient client = await McpClient.CreateAsync(new StreamClientTransport(requests.Writer.AsStream(), responses.Reader.AsStream()), cancellationToken: cancellationToken);
        return new InProcessMcpServer(stop, server, running, client);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _stop.CancelAsync();
        try
        {
            await _running;
        }
        catch (OperationCanceledException)
        {
            // It was told to stop.
        }

        await _server.DisposeAsync();
        _stop.Dispose();
    }
}
