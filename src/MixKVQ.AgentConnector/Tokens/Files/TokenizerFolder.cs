namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>Puts a tokenizer together from the files of a model folder.</summary>
internal static class TokenizerFolder
{
    private const string SentencePieceName = "tokenizer.model";

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
        else if (File.Exists(Path.Combine(folder, SentencePieceName)))
        {
            throw new InvalidDataException(
                $"{folder} holds a {SentencePieceName} (SentencePiece) but no {TokenizerFile.Name}, which is what is read. Add the {TokenizerFile.Name} of the same model: its publisher or a fine-tuned version of it mostly has one, and Transformers writes one with AutoTokenizer.from_pretrained(folder).save_pretrained(folder).");
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
