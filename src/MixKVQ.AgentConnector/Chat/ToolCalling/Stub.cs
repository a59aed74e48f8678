namespace MixKVQ.AgentConnector.Chat.ToolCalling;
internal abstract record CallPart { internal sealed record Literal(string Text) : CallPart; internal sealed record Name : CallPart; internal sealed record Arguments : CallPart; }
internal sealed record ToolCallLayout(string Opening, bool OpensAnswerOnly, string BeforeFirst, IReadOnlyList<CallPart> Call, string? Separator, string AfterLast);
