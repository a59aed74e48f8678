using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Filters;

/// <summary>A filter: <c>operand | name(arguments)</c>.</summary>
internal delegate TemplateValue TemplateFilter(TemplateRun run, TemplateValue operand, CallArguments arguments);
