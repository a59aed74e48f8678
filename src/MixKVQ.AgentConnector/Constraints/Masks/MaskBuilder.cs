using MixKVQ.AgentConnector.Constraints.Automaton;

namespace MixKVQ.AgentConnector.Constraints.Masks;

/// <summary>
/// Finds the tokens allowed at one configuration. Where few bytes may come, the vocabulary's trie is walked; inside strings
/// only the tokens that close the string are looked at, the others are known beforehand.
/// </summary>
internal sealed class MaskBuilder(TokenVocabulary vocabulary, ConfigurationStore store, StringTokensCache strings)
{
    private readonly List<int> _added = [];
    private readonly List<ulong[]> _shared = [];
    private readonly List<int> _removed = [];
    private int _largest;

    /// <summary>The mask of all that may come.</summary>
    public TokenMask Build(Configuration configuration)
    {
        var narrow = new Closure();
        foreach (FrameStack stack in configuration.Stacks)
        {
            if (stack.Top is IStringFrame inside)
            {
                AddString(configuration, stack, inside);
            }
            else if (stack.Top is TokenFrame { Id: int id })
            {
                Take(id, configuration.StepToken(id, store));
            }
            else
            {
                narrow.Keep(stack);
            }
        }

        if (narrow.Kept.Count > 0)
        {
            AddBelow(0, narrow.Kept.Count == configuration.Stacks.Length ? configuration : store.Intern(narrow));
        }

        return Finish();
    }

    /// <summary>The mask of what leads to the end the shortest way: each byte brings it nearer.</summary>
    public TokenMask BuildClosing(Configuration configuration)
    {
        foreach (FrameStack stack in configuration.Stacks)
        {
            if (stack.Top is TokenFrame { Id: int id } && configuration.StepToken(id, store) is { } next && next.Shortest < configuration.Shortest)
            {
                Take(id, next);
            }
        }

        AddShortening(0, configuration);
        return Finish();
    }

    private TokenMask Finish()
    {
        var mask = new TokenMask([.. _shared], [.. _added], [.. _removed]) { LargestShortest = _largest };
        store.ChargeEntries(_added.Count + _removed.Count);
        return mask;
    }

    private void Take(int token, Configuration next)
    {
        _added.Add(token);
        _largest = Math.Max(_largest, next.Shortest);
    }

    private void AddBelow(int node, Configuration configuration)
    {
        TokenTrie trie = vocabulary.Trie;
        for (int child = node + 1; child < trie.End(node); child = trie.End(child))
        {
            Configuration next = configuration.Step(trie.Label(child), store);
            if (next.IsDead)
            {
                continue;
            }

            foreach (int token in trie.TokensAt(child))
            {
                Take(token, next);
            }

            AddBelow(child, next);
        }
    }

    private void AddShortening(int node, Configuration configuration)
    {
        TokenTrie trie = vocabulary.Trie;
        for (int child = node + 1; child < trie.End(node); child = trie.End(child))
        {
            Configuration next = configuration.Step(trie.Label(child), store);
            if (next.IsDead || next.Shortest >= configuration.Shortest)
            {
                continue;
            }

            foreach (int token in trie.TokensAt(child))
            {
                Take(token, next);
            }

            AddShortening(child, next);
        }
    }

    private void AddString(Configuration configuration, FrameStack stack, IStringFrame frame)
    {
        StringTokens tokens;
        int least = 0;
        int most = int.MaxValue;
        int missing;
        if (frame.Rule is FreeStringRule free)
        {
            tokens = vocabulary.FreeTokens(free.HasEscapes, frame.Position.Lexical);
            least = free.Needed(frame.Position);
            most = free.Room(frame.Position);

            // Whatever a token brings, at most a character that it starts is added to what is missing.
            missing = free.Missing(frame.Position) + LargestStart;
        }
        else
        {
            tokens = strings.Find(vocabulary, frame.Rule, frame.Position);
            missing = tokens.LargestMissing;
        }

        _shared.Add(tokens.InsideUpTo(most));
        _largest = Math.Max(_largest, Math.Min(Rule.Never - 1, stack.Shortest - frame.Rule.Missing(frame.Position) + missing));
        var closed = new Closure();
        frame.Close(stack, closed);
        int firstExit = _added.Count;
        AddExits(0, store.Intern(closed), tokens, least, most);
        if (frame is NameFrame)
        {
            CheckSecondNames(configuration, firstExit);
        }

        RemoveExcluded(configuration, frame);
    }

    /// <summary>The bytes that an escape may lack: four digits.</summary>
    private const int LargestStart = 5;

    private void AddExits(int suffix, Configuration configuration, StringTokens tokens, int least, int most)
    {
        if (configuration.IsDead)
        {
            return;
        }

        int before = _added.Count;
        tokens.AppendExits(suffix, least, most, _added);
        if (_added.Count > before)
        {
            _largest = Math.Max(_largest, configuration.Shortest);
        }

        TokenTrie suffixes = vocabulary.Suffixes;
        for (int child = suffix + 1; child < suffixes.End(suffix); child = suffixes.End(child))
        {
            AddExits(child, configuration.Step(suffixes.Label(child), store), tokens, least, most);
        }
    }

    /// <summary>Where a token closes a name and goes on to the next, it matters which name was closed: such tokens are read through.</summary>
    private void CheckSecondNames(Configuration configuration, int first)
    {
        int kept = first;
        for (int i = first; i < _added.Count; i++)
        {
            ReadOnlySpan<byte> bytes = vocabulary.BytesOf(_added[i]).Span;
            if (bytes[(bytes.IndexOf((byte)'"') + 1)..].ContainsAny("\","u8))
            {
                Configuration next = Read(configuration, bytes);
                if (next.IsDead)
                {
                    continue;
                }

                _largest = Math.Max(_largest, next.Shortest);
            }

            _added[kept++] = _added[i];
        }

        _added.RemoveRange(kept, _added.Count - kept);
    }

    /// <summary>Takes out the tokens that write an excluded text, or a part of one that cannot become another.</summary>
    private void RemoveExcluded(Configuration configuration, IStringFrame frame)
    {
        TokenTrie trie = vocabulary.Trie;
        foreach (ReadOnlyMemory<byte> text in frame.Excluded)
        {
            int node = 0;
            foreach (byte value in text.Span)
            {
                node = trie.Child(node, value);
                if (node < 0)
                {
                    break;
                }

                RemoveRejected(configuration, node);
            }

            int quote = node < 0 ? -1 : trie.Child(node, (byte)'"');
            for (int below = quote; quote >= 0 && below < trie.End(quote); below++)
            {
                RemoveRejected(configuration, below);
            }
        }
    }

    private void RemoveRejected(Configuration configuration, int node)
    {
        foreach (int token in vocabulary.Trie.TokensAt(node))
        {
            Configuration next = Read(configuration, vocabulary.BytesOf(token).Span);
            _largest = Math.Max(_largest, next.IsDead ? 0 : next.Shortest);
            if (next.IsDead)
            {
                _removed.Add(token);
            }
        }
    }

    private Configuration Read(Configuration configuration, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            configuration = configuration.Step(value, store);
        }

        return configuration;
    }
}
