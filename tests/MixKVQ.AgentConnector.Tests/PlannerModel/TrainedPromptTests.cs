using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tokens;
using TrainPlannerModel.Evaluation;
using TrainPlannerModel.Export;
using TrainPlannerModel.Vocabulary;
using TrainPlannerModel.World;
using TextPiece = TrainPlannerModel.World.TextPiece;

namespace MixKVQ.AgentConnector.Tests.PlannerModel;

public sealed class TrainedPromptTests
{
    [Fact]
    public async Task TheChatClient_ShowsTheModelTheTokensItWasTrainedOn()
    {
        Dialogue[] dialogues = [.. Enumerable.Range(0, 4).Select(seed => new DialogueGenerator(new Random(seed)).Write(turnCount: 4, allTools: seed % 2 == 0))];
        string[] texts = [.. dialogues.Select(dialogue => string.Concat(DialogueText.Render(dialogue).Select(piece => piece.Text)))];
        string folder = Directory.CreateTempSubdirectory("mixkvq-planner-").FullName;
        try
        {
            ModelTokenizer tokenizer = ModelFolder.WriteTokenizer(folder, PlannerVocabulary.Build(texts));
            foreach (Dialogue dialogue in dialogues)
            {
                TextPiece[] pieces = [.. DialogueText.Render(dialogue)];
                var model = new ScriptedModel(prompt => Next(pieces, prompt), tokenizer, ChatTemplate.Load(folder)) { WritesCanonically = true };
                await using MixKvqChatClient client = model.CreateClient();
                Assert.Null(await TaskPlayer.PlayAsync(client, dialogue, TestContext.Current.CancellationToken));

                // What was trained on goes on with the last answer and a line break, which were never read.
                int[] trained = [.. pieces[..^2].SelectMany(piece => tokenizer.Encode(piece.Text))];
                Assert.Equal(trained, model.SeenPrompts.Last());
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The target that follows the prompt in the dialogue's text, without its end token.</summary>
    private static string Next(TextPiece[] pieces, string prompt)
    {
        string before = "";
        foreach (TextPiece piece in pieces)
        {
            if (piece.IsTarget && before == prompt)
            {
                return piece.Text[..piece.Text.IndexOf("<|im_end|>", StringComparison.Ordinal)];
            }

            before += piece.Text;
        }

        return "This prompt was never trained on.";
    }
}
