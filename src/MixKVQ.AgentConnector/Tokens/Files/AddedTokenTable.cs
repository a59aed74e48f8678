namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>Gathers the added tokens of several files and refuses those that contradict each other or the vocabulary.</summary>
internal sealed class AddedTokenTable
{
    /// <summary>Far above what models have; bounds the time that matching takes.</summary>
    private const int MaxTotalLength = 1_000_000;

    /// <summary>Known models have up to some thousands.</summary>
    private const int MaxCount = 50_000;

    private readonly TokenizerDefinition _definition;
    private readonly Dictionary<int, string> _vocabularyById;
    private readonly SortedDictionary<int, AddedToken> _byId = [];
    private readonly Dictionary<string, int> _idByText = [];
    private int _totalLength;

    public AddedTokenTable(TokenizerDefinition definition)
    {
        _definition = definition;
        _vocabularyById = definition.Vocabulary.ToDictionary(entry => entry.Value, entry => entry.Key);
    }

    /// <summary>In order of id.</summary>
    public IReadOnlyList<AddedToken> Tokens => [.. _byId.Values];

    /// <summary>Adds tokens; of one that is there already the flags are replaced, as a later file knows better.</summary>
    public void AddAll(IEnumerable<AddedToken> tokens, string file)
    {
        var seen = new HashSet<int>();
        foreach (AddedToken token in tokens)
        {
            string text = Excerpt.Of(token.Content);
            if (!seen.Add(token.Id))
            {
                throw new InvalidDataException($"{file}: the id {token.Id} is given to two added tokens, one of them '{text}'.");
            }

            if (_byId.TryGetValue(token.Id, out AddedToken? other) && other.Content != token.Content)
            {
                throw new InvalidDataException($"{file}: the added token '{text}' has the id {token.Id}, which {_definition.Source} gives to '{Excerpt.Of(other.Content)}'.");
            }

            if (_idByText.TryGetValue(token.Content, out int otherId) && otherId != token.Id)
            {
                throw new InvalidDataException($"{file}: the added token '{text}' has the ids {otherId} and {token.Id}.");
            }

            if (_definition.Vocabulary.TryGetValue(token.Content, out int vocabularyId) && vocabularyId != token.Id)
            {
                throw new InvalidDataException($"{file}: the added token '{text}' has the id {token.Id}, but {vocabularyId} in the vocabulary.");
            }

            if (_vocabularyById.TryGetValue(token.Id, out string? vocabularyText) && vocabularyText != token.Content)
            {
                throw new InvalidDataException($"{file}: the added token '{text}' has the id {token.Id}, which the vocabulary gives to '{Excerpt.Of(vocabularyText)}'.");
            }

            Set(token);
        }
    }

    /// <summary>Makes a named token special; it must exist.</summary>
    public void RequireSpecial(string? text, string field, string file)
    {
        if (text is not null && !TryMarkSpecial(text))
        {
            throw new InvalidDataException($"{file}: {field} is '{Excerpt.Of(text)}', which is neither an added token nor in the vocabulary. Add it to added_tokens_decoder with its id.");
        }
    }

    /// <summary>Makes those of the named tokens special that exist; some models pad with the token of an ordinary character, which stays ordinary.</summary>
    public void MarkSpecial(IEnumerable<string> texts)
    {
        foreach (string text in texts.Where(text => text.Length > 1))
        {
            TryMarkSpecial(text);
        }
    }

    /// <summary>Sees that the ids which the post-processor adds have tokens.</summary>
    public void CheckTemplate()
    {
        foreach (int id in _definition.Template.Prefix.Concat(_definition.Template.Suffix))
        {
            if (!_byId.ContainsKey(id) && !_vocabularyById.ContainsKey(id))
            {
                throw new InvalidDataException($"{_definition.Source}: post_processor adds the id {id}, which has no token.");
            }
        }
    }

    private bool TryMarkSpecial(string text)
    {
        if (_idByText.TryGetValue(text, out int id))
        {
            _byId[id] = _byId[id] with { IsSpecial = true };
            return true;
        }

        if (text.Length > 0 && _definition.Vocabulary.TryGetValue(text, out id))
        {
            Set(new AddedToken(id, text) { IsSpecial = true });
            return true;
        }

        return false;
    }

    private void Set(AddedToken token)
    {
        if (_byId.Count == MaxCount && !_byId.ContainsKey(token.Id))
        {
            throw new InvalidDataException($"{_definition.Source}: there are more than {MaxCount} added tokens.");
        }

        if (_idByText.TryAdd(token.Content, token.Id) && (_totalLength += token.Content.Length) > MaxTotalLength)
        {
            throw new InvalidDataException($"{_definition.Source}: the added tokens have more than {MaxTotalLength} characters together.");
        }

        _byId[token.Id] = token;
    }
}
