namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>Puts a tokenizer together from the files of a model folder.</summary>
internal static class TokenizerFolder
{
    public static ModelTokenizer Load(string folder)
    {
        TokenizerConfigFile config = TokenizerConfigFile.ReadFrom(folder);
        string tokenizerPath = Path.Combine(folder, TokenizerFile.Name);
        TokenizerDefinition definition;
        if (File.Exists(tokenizerPath))
        {
            definition = TokenizerFile.Read(tokenizerPath);
        }
        else if (File.Exists(Path.Combine(folder, VocabularyMergesFiles.VocabularyName)) && File.Exists(Path.Combine(folder, VocabularyMergesFiles.MergesName)))
        {
            definition = VocabularyMergesFiles.Read(folder, config);
        }
        else
        {
            throw new InvalidDataException(
                $"{folder} holds neither {TokenizerFile.Name} nor {VocabularyMergesFiles.VocabularyName} and {VocabularyMergesFiles.MergesName}. Pass a model folder in the Hugging Face layout.");
        }

        var added = new AddedTokenTable(definition);
        added.AddAll(definition.AddedTokens, definition.Source);
        added.AddAll(config.AddedTokens, config.Source);
        added.RequireSpecial(config.BosToken, "bos_token", config.Source);
        added.RequireSpecial(config.EosToken, "eos_token", config.Source);
        added.MarkSpecial(config.SpecialTokens);
        added.CheckTemplate();
        return new ModelTokenizer(definition with { AddedTokens = added.Tokens }, config.BosToken, config.EosToken);
    }
}
