using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using MixKVQ.AgentConnector;

namespace PlannerAgent;

/// <summary>Sets up the kernel and runs the script, or what a person types.</summary>
internal static class PlannerProgram
{
    private const string Quit = "/quit";

    /// <summary>Runs the dialogue.</summary>
    /// <returns>The exit code: 0, or 3 where an answer of the script is wrong.</returns>
    public static async Task<int> RunAsync(PlannerOptions options, DialogueConsole console, CancellationToken cancellationToken)
    {
        string modelPath = ModelFolder.Find(options.Model);
        var warehouse = new Warehouse(options.Seed);
        Kernel kernel = CreateKernel(options, modelPath, warehouse, console);
        await using var services = (ServiceProvider)kernel.Services;
        console.Note($"Loading {Path.GetFullPath(modelPath)} …");
        await kernel.GetRequiredService<IChatClient>().GetRequiredService<MixKvqChatClient>().LoadAsync(cancellationToken);
        var cache = new KvCacheOptions();
        options.Configure(cache);
        string bits = cache.Policy == KvCachePolicy.MixKvq ? string.Create(CultureInfo.InvariantCulture, $" at {cache.TargetBits} bits") : "";
        console.Note($"Ready: cache policy {cache.Policy}{bits}, seed {options.Seed}.");

        var session = new PlannerSession(kernel, console);
        return options.Interactive
            ? await TypeAsync(session, console, cancellationToken)
            : await PlayAsync(session, warehouse, console, cancellationToken);
    }

    private static Kernel CreateKernel(PlannerOptions options, string modelPath, Warehouse warehouse, DialogueConsole console)
    {
        IKernelBuilder builder = Kernel.CreateBuilder().AddMixKvqChatCompletion(model =>
        {
            model.ModelPath = modelPath;
            options.Configure(model.Cache);
        });
        PlannerDialogue.AddPlugins(builder.Plugins, warehouse);
        builder.Services.AddSingleton<IAutoFunctionInvocationFilter>(new ToolResultPrinter(console));
        return builder.Build();
    }

    private static async Task<int> PlayAsync(PlannerSession session, Warehouse warehouse, DialogueConsole console, CancellationToken cancellationToken)
    {
        List<string> faults = [];
        foreach (PlannerTurn turn in PlannerDialogue.Turns)
        {
            console.Request(turn.Request);
            string answer = await session.AskAsync(turn.Request, cancellationToken);
            if (!turn.IsAnsweredBy(answer, warehouse))
            {
                faults.Add($"Wrong: \"{turn.Request}\" was answered \"{answer}\"; it should tell {string.Join(" and ", turn.Expected(warehouse))}.");
            }
        }

        console.Note("");
        faults.ForEach(console.Fault);
        console.Note($"{PlannerDialogue.Turns.Count - faults.Count} of {PlannerDialogue.Turns.Count} answers are right.");
        return faults.Count == 0 ? 0 : 3;
    }

    private static async Task<int> TypeAsync(PlannerSession session, DialogueConsole console, CancellationToken cancellationToken)
    {
        console.Note($"Ask of stocks, prices, suppliers, orders and their shipping, for example: {PlannerDialogue.Turns[1].Request} {Quit} ends.");
        while (console.ReadRequest() is { } request && request.Trim() != Quit)
        {
            if (string.IsNullOrWhiteSpace(request))
            {
                continue;
            }

            try
            {
                await session.AskAsync(request.Trim(), cancellationToken);
            }
            catch (InvalidOperationException fault)
            {
                // A full context, for one: the dialogue stands as before the request.
                console.Fault(fault.Message);
            }
        }

        return 0;
    }
}
