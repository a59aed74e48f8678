using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Chat.ToolCalling;

/// <summary>A chat template with the tokens and prompt ends of its models.</summary>
internal sealed record TemplateFamily(string Name, string Source, ToolCallFormat Format, string EndToken, string[] AddedTokens, string[] AnswerStarts)
{
    /// <summary>The way of Mistral's templates: roles must alternate, ids have nine characters, the tools come late.</summary>
    private const string MistralStyle = """
        {{- bos_token }}
        {%- set ns = namespace(index=0, last_user=-1, system='') %}
        {%- if messages[0].role == 'system' %}
            {%- set ns.system = messages[0].content + '\n\n' %}
            {%- set messages = messages[1:] %}
        {%- endif %}
        {%- for message in messages %}
            {%- if message.role == 'user' or (message.role == 'assistant' and message.tool_calls is not defined) %}
                {%- if (message.role == 'user') != (ns.index % 2 == 0) %}
                    {{- raise_exception('After the optional system message, roles must alternate.') }}
                {%- endif %}
                {%- set ns.index = ns.index + 1 %}
            {%- endif %}
            {%- if message.role == 'user' %}
                {%- set ns.last_user = loop.index0 %}
            {%- endif %}
        {%- endfor %}
        {%- for message in messages %}
            {%- if message.role == 'user' %}
                {%- if loop.index0 == ns.last_user %}
                    {%- if tools %}
                        {{- '[AVAILABLE_TOOLS] ' + (tools | tojson) + '[/AVAILABLE_TOOLS]' }}
                    {%- endif %}
                    {{- '[INST] ' + ns.system + message.content + '[/INST]' }}
                {%- else %}
                    {{- '[INST] ' + message.content + '[/INST]' }}
                {%- endif %}
            {%- elif message.role == 'assistant' and message.tool_calls is defined %}
                {{- '[TOOL_CALLS] [' }}
                {%- for call in message.tool_calls %}
                    {%- if call.id | length != 9 %}
                        {{- raise_exception('Ids must have nine letters or digits.') }}
                    {%- endif %}
                    {{- '{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + ', "id": "' + call.id + '"}' }}
                    {{- ']' + eos_token if loop.last else ', ' }}
                {%- endfor %}
            {%- elif message.role == 'assistant' %}
                {{- ' ' + message.content + eos_token }}
            {%- elif message.role == 'tool' %}
                {%- if message.tool_call_id | length != 9 %}
                    {{- raise_exception('Ids must have nine letters or digits.') }}
                {%- endif %}
                {{- '[TOOL_RESULTS] {"content": ' + (message.content | tojson) + ', "call_id": "' + message.tool_call_id + '"}[/TOOL_RESULTS]' }}
            {%- else %}
                {{- raise_exception('Only user, assistant and tool roles are known.') }}
            {%- endif %}
        {%- endfor %}
        """;

    /// <summary>The way of Gemma's templates: no system turn, roles must alternate, no tools.</summary>
    private const string GemmaStyle = """
        {%- for message in messages %}
            {%- if message.role != ('user' if loop.index0 % 2 == 0 else 'assistant') %}
                {{- raise_exception('Roles must alternate user/assistant.') }}
            {%- endif %}
            {{- '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\n' + message.content + '<end_of_turn>\n' }}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<start_of_turn>model\n' }}
        {%- endif %}
        """;

    private const string ChatMl = "<|im_start|>assistant\n";

    private static readonly string[] ChatMlTokens = ["<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>"];
    private static readonly string[] PhiTokens = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"];

    private static readonly string[] DeepSeekTokens =
    [
        "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<think>", "</think>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>",
        "<｜tool▁sep｜>", "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>", "<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>",
    ];

    public static TheoryData<string> Names { get; } =
        ["Qwen2.5", "Qwen3", "Qwen3-Coder", "Hermes 2 Pro", "MiniMind", "Llama 3.1", "DeepSeek-R1 Llama", "DeepSeek-R1 Qwen", "Phi-3.5", "Phi-3", "Mistral style", "Gemma style"];

    /// <summary>The family of this name; skips the test where its fixture is absent.</summary>
    public static TemplateFamily Of(string name) => name switch
    {
        "Qwen2.5" => new(name, File("Qwen-Qwen2.5-7B-Instruct.jinja"), new HermesFormat(), "<|im_end|>", ChatMlTokens, [ChatMl]),
        "Qwen3" => new(name, Config("qwen3.tokenizer_config.json"), new HermesFormat(), "<|im_end|>", ChatMlTokens, [ChatMl]),
        "Qwen3-Coder" => new(name, File("Qwen-Qwen3-Coder-30B-A3B-Instruct.jinja"), new HermesFormat(writesXml: true), "<|im_end|>", ChatMlTokens, [ChatMl]),
        "Hermes 2 Pro" => new(name, File("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja"), new HermesFormat(), "<|im_end|>", ChatMlTokens, [ChatMl]),
        "MiniMind" => new(name, Config("minimind", "tokenizer_config.json"), new HermesFormat(), "<|im_end|>", ChatMlTokens, [ChatMl + "<think>\n\n</think>\n\n"]),
        "Llama 3.1" => new(name, File("meta-llama-Llama-3.1-8B-Instruct.jinja"), new LlamaFormat(), "<|eot_id|>", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|python_tag|>"], ["<|start_header_id|>assistant<|end_header_id|>\n\n"]),
        "DeepSeek-R1 Llama" => new(name, File("deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja"), new DeepSeekFormat(), "<｜end▁of▁sentence｜>", DeepSeekTokens, ["<｜Assistant｜><think>\n", "<｜tool▁outputs▁end｜>"]),
        "DeepSeek-R1 Qwen" => new(name, File("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja"), new DeepSeekFormat(), "<｜end▁of▁sentence｜>", DeepSeekTokens, ["<｜Assistant｜><think>\n", "<｜tool▁outputs▁end｜>"]),
        "Phi-3.5" => new(name, File("microsoft-Phi-3.5-mini-instruct.jinja"), new HermesFormat(), "<|end|>", PhiTokens, ["<|assistant|>\n"]),
        "Phi-3" => new(name, Config("phi-3-mini", "tokenizer_config.json"), new HermesFormat(), "<|end|>", PhiTokens, ["<|assistant|>\n"]),
        "Mistral style" => new(name, MistralStyle, new MistralFormat(writesNameFirst: false), "</s>", ["<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"], ["[/INST]", "[/TOOL_RESULTS]"]),
        "Gemma style" => new(name, GemmaStyle, new HermesFormat(), "<end_of_turn>", ["<start_of_turn>", "<end_of_turn>"], ["<start_of_turn>model\n"]),
        _ => throw new ArgumentException(name, nameof(name)),
    };

    public ModelTokenizer LoadTokenizer() => TinyTokenizer.Load(EndToken, AddedTokens);

    public ChatTemplate LoadTemplate() => ChatTemplate.Parse(Source, Name);

    public ScriptedModel Model(Func<string, string> script) => new(script, LoadTokenizer(), LoadTemplate()) { AnswerStarts = AnswerStarts };

    private static string File(string name) => System.IO.File.ReadAllText(Fixtures.Shared("templates", name));

    private static string Config(params string[] path) => JsonNode.Parse(System.IO.File.ReadAllText(Fixtures.Shared(["tokenizers", .. path])))!["chat_template"]!.GetValue<string>();
}
