using System.Text;
using System.Web;
using Microsoft.SemanticKernel;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>Prompts through a kernel, which knows messages as tags and no thoughts.</summary>
public sealed class KernelPromptTests : ChatContract
{
    private protected override async Task<ContractReply> AskAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken)
    {
        FunctionResult result = await request.ToKernel(client).InvokePromptAsync(ToPrompt(request), new(request.ToSettings()), cancellationToken: cancellationToken);
        return result.GetValue<ChatMessageContent>()!.ToReply();
    }

    private protected override IAsyncEnumerable<ContractReply> StreamAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken) =>
        request.ToKernel(client)
            .InvokePromptStreamingAsync<StreamingChatMessageContent>(ToPrompt(request), new(request.ToSettings()), cancellationToken: cancellationToken)
            .Select(part => part.ToReply());

    private static string ToPrompt(ContractRequest request) => request.Messages.Aggregate(
        new StringBuilder(),
        (prompt, message) => prompt.Append("<message role=\"").Append(message.Role).Append("\">").Append(HttpUtility.HtmlEncode(message.Text)).Append("</message>"),
        prompt => prompt.ToString());
}
