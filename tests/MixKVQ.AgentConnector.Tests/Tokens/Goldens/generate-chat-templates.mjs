// Writes chat-templates.json: what the npm package @huggingface/jinja renders for the templates of the shared fixtures
// and for small templates of one rule each. The fixtures' templates are read in place; their text is not written.
//
//   npm install @huggingface/jinja@0.5.11      (in any folder; run the script from there)
//   node .../generate-chat-templates.mjs <fixtures folder> > .../chat-templates.json
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const { Template } = createRequire(join(process.cwd(), "package.json"))("@huggingface/jinja");
const fixtures = process.argv[2];

const templates = [
  "templates/NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja",
  "templates/Qwen-Qwen2.5-7B-Instruct.jinja",
  "templates/Qwen-Qwen3-Coder-30B-A3B-Instruct.jinja",
  "templates/deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja",
  "templates/deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja",
  "templates/meta-llama-Llama-3.1-8B-Instruct.jinja",
  "templates/microsoft-Phi-3.5-mini-instruct.jinja",
  "tokenizers/minimind/tokenizer_config.json",
  "tokenizers/phi-3-mini/tokenizer_config.json",
  "tokenizers/qwen2.5/tokenizer_config.json",
  "tokenizers/qwen3.tokenizer_config.json",
];

const system = { role: "system", content: "You plan trips.  Be brief.\n" };
const user = { role: "user", content: "How warm is it in Zürich — and in 東京? \"Now\", <b>please</b> & thanks" };
const answer = { role: "assistant", content: "12 °C and 19 °C 🌡️." };
const followUp = { role: "user", content: "And tomorrow?\n" };
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Current weather of a city.\nUse it once per city.",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string", description: "The city's name, e.g. \"Zürich\"" },
        unit: { type: "string", enum: ["c", "f"], description: " The unit " },
        days: { type: "integer", minimum: 0, maximum: 14, description: "Days ahead" },
      },
      required: ["city"],
      additionalProperties: false,
    },
  },
};
const note = {
  type: "function",
  function: {
    name: "add_note",
    description: "Stores a note.",
    parameters: { type: "object", properties: { text: { type: "string", description: "The note" }, tags: { type: "array", items: { type: "string" }, description: "Tags" } } },
  },
};
const nothing = { type: "function", function: { name: "now", description: "The time.", parameters: { type: "object", properties: {} } } };
const call = (name, args, id) => ({ id, type: "function", function: { name, arguments: args } });
const zurich = call("get_weather", { city: "Zürich", unit: "c", days: 0 }, "call_1");
const tokyo = call("get_weather", { city: "東京", exact: true, limits: { low: -1.5, tags: [] } }, "call_2");
const asText = (c) => ({ ...c, function: { ...c.function, arguments: JSON.stringify(c.function.arguments) } });
const result1 = { role: "tool", tool_call_id: "call_1", name: "get_weather", content: "{\"celsius\": 12}" };
const result2 = { role: "tool", tool_call_id: "call_2", name: "get_weather", content: "{\"celsius\": 19,\n \"sky\": \"clear\"}" };
const calls = (content, ...list) => ({ role: "assistant", content, tool_calls: list });
const thought = "The user wants both cities.\nI know them.";

const cases = {
  plain: { messages: [user] },
  "system prompt": { messages: [system, user] },
  "no generation prompt": { messages: [system, user, answer], add_generation_prompt: false },
  "several turns": { messages: [system, user, answer, followUp] },
  "empty contents": { messages: [{ role: "system", content: "" }, { role: "user", content: "" }, { role: "assistant", content: "" }, followUp] },
  "late system message": { messages: [user, answer, system, followUp] },
  tools: { messages: [system, user], tools: [weather, note, nothing] },
  "tools without system prompt": { messages: [user], tools: [weather] },
  "tools in the system prompt": { messages: [system, user], tools: [weather], variables: { tools_in_user_message: false } },
  "empty tool list": { messages: [system, user], tools: [] },
  "one call": { messages: [system, user, calls("", zurich), result1], tools: [weather] },
  "one call, then an answer": { messages: [system, user, calls("", zurich), result1, answer, followUp], tools: [weather] },
  "several calls in one turn": { messages: [user, calls("I look.", zurich, tokyo), result1, result2], tools: [weather] },
  "several calls, then an answer": { messages: [user, calls("", zurich, tokyo), result1, result2, answer, followUp], tools: [weather, note] },
  "calls with arguments as text": { messages: [user, calls("", asText(zurich)), result1, answer, followUp], tools: [weather] },
  "null content, arguments as text": { messages: [user, calls(null, asText(zurich), asText(tokyo)), result1, result2, answer, followUp] },
  "null content, one call": { messages: [user, calls(null, asText(zurich)), result1] },
  "calls of two rounds": { messages: [system, user, calls("", zurich), result1, calls("", tokyo), result2], tools: [weather] },
  "thought as reasoning_content": { messages: [user, { ...answer, reasoning_content: thought }] , add_generation_prompt: false },
  "earlier thought as reasoning_content": { messages: [user, { ...answer, reasoning_content: thought }, followUp] },
  "thought in content": { messages: [user, { role: "assistant", content: `<think>\n${thought}\n</think>\n\n${answer.content}` }], add_generation_prompt: false },
  "earlier thought in content": { messages: [user, { role: "assistant", content: `<think>\n${thought}\n</think>\n\n${answer.content}` }, followUp] },
  "thought with blanks around": { messages: [user, { role: "assistant", content: `<think>\n\n  ${thought} \t\n </think>\n \n ${answer.content}` }], add_generation_prompt: false },
  "thought that is cut off": { messages: [user, { role: "assistant", content: `${thought}</think>${answer.content}</think>!` }, followUp] },
  "thoughts in a tool loop": {
    messages: [system, user, { ...calls("", zurich), reasoning_content: "First Zürich." }, result1, { ...calls("Now Tokyo.", tokyo), reasoning_content: "\nThen 東京.\n" }, result2],
    tools: [weather],
  },
  "thoughts in content in a tool loop": { messages: [user, calls("<think>\nFirst Zürich.\n</think>\n\n", zurich), result1], tools: [weather] },
  "thinking disabled": { messages: [system, user], variables: { enable_thinking: false } },
  "thinking enabled": { messages: [system, user], variables: { enable_thinking: true } },
  "thinking opened": { messages: [user], variables: { open_thinking: true } },
  "tool response typed by the user": { messages: [user, answer, { role: "user", content: "<tool_response>\nx\n</tool_response>" }, { ...answer, reasoning_content: thought }], add_generation_prompt: false },
  "control text and noncharacters": { messages: [{ role: "user", content: "<\uFDD0|im_end|>\uFFFF\u0000\u001F\u007F\u2028 \uFEFF" }, calls("", call("f", { "k\"ey": "a\\b/\u0008\f\r\t<\uFDD0|im_start|>" }, "c")), { role: "tool", content: "<\uFDD0|im_end|>" }] },
  "fixed date": { messages: [user], variables: { date_string: "03 Feb 2026" } },
  "plain, with an empty tool list": { messages: [user], tools: [] },
  "no generation prompt, with tools": { messages: [system, user, answer], tools: [weather], add_generation_prompt: false },
  "earlier thought as reasoning_content, with tools": { messages: [user, { ...answer, reasoning_content: thought }, followUp], tools: [weather] },
  "thought in content, with tools": { messages: [user, { role: "assistant", content: `<think>\n${thought}\n</think>\n\n${answer.content}` }], tools: [weather], add_generation_prompt: false },
  "two calls where one is allowed": { messages: [user, calls("", zurich, tokyo), result1, result2] },
};
for (const name of ["simple", "system", "tool_use"]) {
  const { messages, tools, add_generation_prompt, builtin_tools, ...variables } = JSON.parse(readFileSync(join(fixtures, "templates", `${name}.json`), "utf8"));
  cases[`fixture ${name}`] = { context: `templates/${name}.json`, without: ["builtin_tools"] };
}

const nested = { name: "n", list: [1, 2.5, "x", null, true, { a: [] }], map: { b: "β", a: { c: -3 } }, empty: {} };
const people = [{ name: "Bo", age: 31, tag: "x" }, { name: "al", age: 27 }, { name: "Cy", age: 31, tag: "" }];
const snippets = [
  // Whitespace
  "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a  {%- if true -%}  b  {%- endif -%}  c", "  {# c #}\n x {#- d -#} y", "x\n\n{{ 1 }}\n\ny\n\n", "a {{- ' b ' -}} c",
  "\t{% set x = 1 %}\n\t{{ x }}\n", "a\r\n  {% if true %}\r\nb{% endif %}", "{{ 'a\n  {% b %}\nc' }}", "a {#x#} {%- if true %} b{% endif %}", "  {-x-}\n  y", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ {'a': {'b': {}}} }}",
  "{% for i in [1,2] -%}\n  {{ i }}\n{%- endfor %}|", "{%- generation -%} a {%- endgeneration -%} b", "x {% generation %}\n y {% endgeneration %}\n z",
  // Literals and escapes
  "{{ 'a\\n\\t\\\\\\'\\\"\\x41\\u00e9' }}", "{{ 'a' 'b' \"c\" }}", "{{ [1, 'a', none, true, 2.5] }}", "{{ (1, 2) }}", "{{ {'a': 1, 'b': [true, none]} }}", "{{ 1.0 }} {{ 2.50 }} {{ 10 }}", "{{ none }}|{{ true }}|{{ False }}|{{ x }}",
  // Operators
  "{{ 1 + 2 * 3 - 4 }}", "{{ 7 // 2 }} {{ 7 / 2 }} {{ 7 % 4 }} {{ 2 ** 3 ** 2 }}", "{{ -7 // 2 }} {{ -nested.list[1] }} {{ +3 }}", "{{ 'a' + 'b' ~ 1 ~ true }}", "{{ 'n: ' + 5 }}", "{{ 1 < 2 }} {{ 2 <= 1 }} {{ 1 == 1.0 }} {{ 'a' != 'b' }}",
  "{{ 'a' in 'cat' }} {{ 'x' not in 'cat' }} {{ 2.5 in nested.list }} {{ 'name' in nested }} {{ 'x' in missing }} {{ 'x' not in missing }}", "{{ not 1 }} {{ not not '' }} {{ not [] and 'y' }}",
  "{{ '' or 'b' }} {{ 'a' and 'b' }} {{ [] or {} or 0 or 'z' }}", "{{ 'a' if 1 > 2 else 'b' if 2 > 3 else 'c' }}|{{ 'x' if false }}|", "{{ [1] + [2, 3] }}", "{{ none == missing }} {{ none is none }} {{ missing is defined }}",
  // Members
  "{{ nested.map.a.c }} {{ nested['list'][-1].a }} {{ nested.list.0 }} {{ nested.missing }}|{{ nested.missing.deeper }}|", "{{ nested.list[9] }}|{{ 'abc'[1] }}{{ 'abc'[-1] }}{{ 'abc'[5] }}", "{{ nested.get('name') }} {{ nested.get('zz', 'd') }} {{ nested.get('zz') }}|",
  "{{ nested.map.items() | list }} {{ nested.map.keys() }} {{ nested.map.values() }}", "{{ 'abcdef'[1:4] }} {{ 'abcdef'[::-1] }} {{ [1,2,3,4,5][::2] }} {{ [1,2,3][-2:] }} {{ [1,2,3][:-1] }} {{ [1,2,3][5:] }} {{ [1,2,3,4][3:0:-2] }} {{ 'añ🌡b'[::-1] }}", "{{ nested.list.length }} {{ 'abc'.length }}",
  // String methods
  "{{ ' a b '.strip() }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|", "{{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ '  a  b c '.split() }} {{ ' a b  c '.split(none, 1) }}", "{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith(('x', 'c')) }}",
  "{{ 'a-b-c'.replace('-', '+') }} {{ 'a-b-c'.replace('-', '', 1) }} {{ 'ab'.replace('', '.') }}", "{{ 'hello wORLD'.title() }} {{ 'hello wORLD'.capitalize() }} {{ 'aB'.upper() }} {{ 'aB'.lower() }}",
  // Filters
  "{{ nested | tojson }}", "{{ nested | tojson(indent=2) }}", "{{ nested.map | tojson(sort_keys=true, ensure_ascii=true) }}", "{{ nested.map | tojson(separators=(',', ':')) }}", "{{ 'a\"\\n\\u2028é' | tojson }} {{ missing | tojson }}", "{{ nested.empty | tojson(indent=4) }}",
  "{{ '  x ' | trim }}|{{ 'AbC' | lower | upper | title }}|{{ 'xyz' | length }}|{{ nested | length }}|{{ nested.list | length }}", "{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c', '_'] | sort }} {{ ['b', 'A'] | sort(case_sensitive=true) }} {{ [3, 1] | sort(reverse=true) }}",
  "{{ people | sort(attribute='age') | map(attribute='name') | join(', ') }}", "{{ people | map(attribute='tag', default='-') | list }}", "{{ people | selectattr('age', 'equalto', '31') | list | length }} {{ people | selectattr('tag') | map(attribute='name') | first }}", "{{ people | rejectattr('tag') | map(attribute='name') | join }}",
  "{{ [1, 2] | first }} {{ [1, 2] | last }} {{ [1, 2] | reverse | list }} {{ ['a', 'b'] | join('-') }} {{ ['a', 1] | join }} {{ 'añ' | join(',') }}", "{{ [1, 2, 1, 'a', 'a'] | unique }}", "{{ nested.map | items | list }} {{ {'b': 1, 'A': 2} | dictsort }} {{ {'b': 1, 'a': 2} | dictsort(by='value', reverse=true) }}",
  "{{ missing | default('d') }} {{ '' | default('d') }}|{{ '' | default('d', true) }} {{ none | default('d', boolean=true) }}", "{{ '12' | int }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ -3 | abs }} {{ 3.7 | int }} {{ true | int }}", "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}", "{{ 'a' | safe }} {{ nested.list | string }} {{ 5 | string }} {{ 'a-b' | replace('-', ' ') }}",
  // Tests
  "{{ 1 is number }} {{ 1 is integer }} {{ 1.5 is integer }} {{ 'a' is string }} {{ nested is mapping }} {{ [] is sequence }} {{ [] is iterable }} {{ 'a' is iterable }} {{ true is boolean }} {{ none is not none }}", "{{ 3 is odd }} {{ 3 is even }} {{ 'ab' is lower }} {{ 'ab' is upper }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ range is callable }}", "{{ missing is undefined and nested is defined }}",
  // Statements
  "{% set x = 1 %}{% set y, z = [2, 3] %}{{ x }}{{ y }}{{ z }}", "{% set x %}a{{ 1 }}b{% endset %}{{ x | upper }}", "{% set ns = namespace(n=0, s='') %}{% for i in [1,2,3] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ ns }}", "{% if 0 %}a{% elif '' %}b{% elif [1] %}c{% else %}d{% endif %}",
  "{% for p in people if p.age > 30 %}{{ loop.index }}/{{ loop.length }} {{ p.name }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}", "{% for x in [] %}a{% else %}none{% endfor %}", "{% for k, v in nested.map.items() %}{{ k }}={{ v }};{% endfor %}{% for k in nested %}{{ k }},{% endfor %}",
  "{% for x in ['a','b','c'] %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}", "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{{ range(3) }} {{ range(1, 4) }} {{ range(5, 0, -2) }}",
  "{% for i in [1,2] %}{% for j in [3,4] %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}", "{% set x = 'o' %}{% for i in [1,2] %}{{ x }}{% set x = i %}{% endfor %}{{ x }}", "{% macro f(a, b='B', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ f(1) }}{{ f(1, c=3) }}{{ f('x') ~ f('y', 2) }}",
  "{% macro wrap(t) %}<{{ t }}>{{ caller('in') }}</{{ t }}>{% endmacro %}{% call(x) wrap('b') %}body {{ x }}{% endcall %}", "{% macro fact(n) %}{% if n > 1 %}{{ n * (fact(n - 1) | int) }}{% else %}1{% endif %}{% endmacro %}{{ fact(5) }}", "{% filter upper %}a{{ 'b' }}{% endfilter %}",
];

const load = (path) => {
  const text = readFileSync(join(fixtures, path), "utf8");
  return path.endsWith(".json") ? JSON.parse(text).chat_template : text;
};

const context = (input) => {
  if (input.context) {
    const read = JSON.parse(readFileSync(join(fixtures, input.context), "utf8"));
    for (const name of input.without) delete read[name];
    return { tools: null, ...read };
  }
  return { bos_token: "<BOS>", eos_token: "<EOS>", ...input.variables, messages: input.messages, tools: input.tools ?? null, add_generation_prompt: input.add_generation_prompt ?? true };
};

const attempt = (source, variables) => {
  try {
    return { text: new Template(source).render(variables) };
  } catch (error) {
    return { error: error.message };
  }
};

const renderings = {};
for (const path of templates) {
  const source = load(path);
  renderings[path] = Object.fromEntries(Object.entries(cases).map(([name, input]) => [name, attempt(source, context(input))]));
}
const variables = { nested, people };
console.log(JSON.stringify({ cases, renderings, snippetVariables: variables, snippets: snippets.map((source) => ({ source, ...attempt(source, variables) })) }, null, 1));
