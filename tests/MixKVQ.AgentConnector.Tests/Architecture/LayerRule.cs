namespace MixKVQ.AgentConnector.Tests.Architecture;

/// <summary>
/// Which namespaces each namespace may name, besides itself and what lies inside it. The longest prefix that is listed
/// decides. Arrows go down only:
/// <code>
/// doors, Hosting
///   Chat, Conversations -> Generation
///     Models -> Checkpoints    Sampling    Constraints -> Patterns    Tokens -> Templating
///       Attention -> Cache (its view and its packed layout)
///         Precision | Packing | Paging
///           Native, Threading
/// </code>
/// </summary>
internal static class LayerRule
{
    /// <summary>Plain words of the cache that its parts share: its settings (public, so they stand at the root) and records without behaviour.</summary>
    private static readonly string[] CacheWords = ["KvCacheOptions", "KvCachePolicy", "Cache.CacheGeometry", "Cache.PageContents"];

    /// <summary>All that a kernel sees of the cache beside pages and their layout.</summary>
    private static readonly string[] KernelWords = ["Cache.CacheView", "Cache.DensePart", "Cache.CacheGeometry"];

    /// <summary>Public words of a model, which stand at the root and have no behaviour.</summary>
    private static readonly string[] ModelWords = ["WeightPrecision"];

    /// <summary>Public words of a chat, which stand at the root and have no behaviour.</summary>
    private static readonly string[] ChatWords = ["TokenLogProbability", "ContextOverflowPolicy"];

    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        [""] = ["Hosting", "Chat", "Conversations", "Generation", "Models", "Sampling", "Tokens", "Checkpoints", "Cache", "Attention", "Native", "Threading"],
        ["Hosting"] = ["", "Chat", "Conversations", "Generation", "Models", "Sampling", "Tokens", "Checkpoints", "Cache", "Cache.Paging", "Native"],
        ["Chat"] = ["Conversations", "Constraints", "Generation", "Models", "Sampling", "Tokens", "Checkpoints", "Cache", "Native"],
        ["Conversations"] = ["Chat", "Generation", "Models", "Sampling", "Tokens", "Checkpoints", "Cache", "Cache.Paging", "Native"],
        ["Generation"] = ["Models", "Sampling", "Tokens", "Checkpoints", "Cache", "Native"],
        ["Models"] = ["Checkpoints", "Cache", "Attention", "Native", "Threading"],
        ["Sampling"] = ["Native"],
        ["Constraints"] = ["Constraints.Patterns", "Tokens"],
        ["Constraints.Patterns"] = [],
        ["Tokens"] = ["Checkpoints"],
        ["Tokens.Templating"] = [],
        ["Checkpoints"] = ["Native"],
        ["Attention"] = ["Cache.Packing", "Cache.Paging", "Native", "Threading"],
        ["Cache"] = ["Native", "Threading"],
        ["Cache.Precision"] = ["Cache.Packing", "Native"],
        ["Cache.Packing"] = ["Native"],
        ["Cache.Paging"] = ["Cache.Packing", "Native"],
        ["Native"] = [],
        ["Threading"] = [],
    };

    /// <summary>Null when the use is allowed, else the reason why not.</summary>
    public static string? Fault(TypeUse use)
    {
        string from = Layer(use.FromNamespace);
        string to = Layer(use.ToNamespace);
        string[] words = Inside(from, "Cache") ? CacheWords : Inside(from, "Attention") ? KernelWords : Inside(from, "Chat") ? ChatWords : Inside(from, "Models") ? ModelWords : [];
        if (from == to || Inside(to, from) || Allowed[from].Contains(to) || words.Contains(Path(use.ToNamespace, use.To)))
        {
            return null;
        }

        return $"{use}: {from} may name {(Allowed[from].Length == 0 ? "nothing" : string.Join(", ", Allowed[from]))}";
    }

    /// <summary>Whether <paramref name="layer"/> is <paramref name="outer"/> or lies inside it; the root holds nothing.</summary>
    private static bool Inside(string layer, string outer) =>
        layer == outer || (outer.Length > 0 && layer.StartsWith(outer + ".", StringComparison.Ordinal));

    private static string Layer(string ns)
    {
        string known = Path(ns);
        while (!Allowed.ContainsKey(known))
        {
            int dot = known.LastIndexOf('.');
            Assert.True(dot > 0, $"The namespace {ns} is new: give it a line in {nameof(LayerRule)}.");
            known = known[..dot];
        }

        return known;
    }

    /// <summary>A namespace or a type in it, without the product's root.</summary>
    private static string Path(string ns, string? type = null) =>
        $"{ns}.{type}".TrimEnd('.')[ArchitectureTests.Root.Length..].TrimStart('.');
}
