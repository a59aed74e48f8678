using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Tests.Native;

public sealed unsafe class LargePagesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(5 << 20)]
    public void AdvisedMemory_KeepsWhatIsInIt(int bytes)
    {
        byte* memory = (byte*)NativeMemory.Alloc((nuint)bytes + 1);
        new Span<byte>(memory, bytes).Fill(7);
        LargePages.Advise((nint)memory, bytes);
        Assert.Equal(-1, new Span<byte>(memory, bytes).IndexOfAnyExcept((byte)7));
        NativeMemory.Free(memory);
    }
}
