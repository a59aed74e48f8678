using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Chat.ToolCalling;

public sealed class TemplateProbeTests
{
    [Fact]
    public void TemplateOfMuchWork_IsNotExploredFurther()
    {
        const string Source = "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}{{ messages[0].content }}";
        ChatTemplate template = ChatTemplate.Parse(Source, "hostile");
        Assert.Equal(new TemplateTraits(), TemplateProbe.Run(template, new HermesFormat(), withTools: true));
    }
}
