using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace MixKVQ.AgentConnector.Tests.Architecture;

/// <summary>Reads the metadata tokens out of a method body's instructions (ECMA-335, partition III).</summary>
internal static class MethodTokens
{
    private const byte TwoBytePrefix = 0xfe;

    private static readonly Dictionary<short, OperandType> Operands = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value, code => code.OperandType);

    public static List<int> Read(ReadOnlySpan<byte> code)
    {
        List<int> tokens = [];
        int at = 0;
        while (at < code.Length)
        {
            short value = code[at] == TwoBytePrefix ? (short)((TwoBytePrefix << 8) | code[at + 1]) : code[at];
            at += code[at] == TwoBytePrefix ? 2 : 1;
            OperandType operand = Operands[value];
            if (operand is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType or OperandType.InlineSig)
            {
                tokens.Add(BinaryPrimitives.ReadInt32LittleEndian(code[at..]));
            }

            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => sizeof(int) * (1 + BinaryPrimitives.ReadInt32LittleEndian(code[at..])),
                _ => 4,
            };
        }

        return tokens;
    }
}
