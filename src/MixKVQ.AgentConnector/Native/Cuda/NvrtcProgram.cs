using System.Runtime.InteropServices;
using System.Text;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>A program in NVRTC's hands.</summary>
internal sealed unsafe class NvrtcProgram : IDisposable
{
    private readonly string _name;
    private nint _program;

    /// <summary>Takes a source and the headers that it may include by their names.</summary>
    /// <exception cref="CudaException">NVRTC is missing or refuses.</exception>
    public NvrtcProgram(string name, string source, IReadOnlyList<(string Name, string Text)> headers)
    {
        NvrtcLibrary.Require();
        _name = name;
        string[] texts = [.. headers.Select(header => header.Text)];
        string[] names = [.. headers.Select(header => header.Name)];
        Check(Nvrtc.CreateProgram(out _program, source, name, headers.Count, texts, names), "nvrtcCreateProgram");
    }

    /// <summary>Compiles to machine code of one architecture.</summary>
    /// <exception cref="CudaException">It does not compile; the message holds the options and the compiler's log.</exception>
    public byte[] CompileToCubin(IReadOnlyList<string> options)
    {
        Compile(options);
        Check(Nvrtc.GetCubinSize(_program, out nuint bytes), "nvrtcGetCUBINSize");
        byte[] image = new byte[bytes];
        fixed (byte* target = image)
        {
            Check(Nvrtc.GetCubin(_program, target), "nvrtcGetCUBIN");
        }

        return image;
    }

    /// <summary>Compiles to text, with a zero at its end, that the driver translates for its device.</summary>
    /// <exception cref="CudaException">It does not compile; the message holds the options and the compiler's log.</exception>
    public byte[] CompileToPtx(IReadOnlyList<string> options)
    {
        Compile(options);
        Check(Nvrtc.GetPtxSize(_program, out nuint bytes), "nvrtcGetPTXSize");
        byte[] image = new byte[bytes];
        fixed (byte* target = image)
        {
            Check(Nvrtc.GetPtx(_program, target), "nvrtcGetPTX");
        }

        return image;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_program != 0)
        {
            _ = Nvrtc.DestroyProgram(ref _program);
        }
    }

    private void Compile(IReadOnlyList<string> options)
    {
        int status = Nvrtc.CompileProgram(_program, options.Count, [.. options]);
        if (status != 0)
        {
            throw new CudaException(
                $"{_name} does not compile with {string.Join(' ', options)}: nvrtcCompileProgram failed with {Text(status)} ({status}).{Environment.NewLine}{Log()}");
        }
    }

    private string Log()
    {
        if (Nvrtc.GetLogSize(_program, out nuint bytes) != 0 || bytes == 0)
        {
            return "There is no log.";
        }

        byte[] log = new byte[bytes];
        fixed (byte* target = log)
        {
            return Nvrtc.GetLog(_program, target) == 0 ? Encoding.UTF8.GetString(log).TrimEnd('\0', '\n') : "There is no log.";
        }
    }

    private void Check(int status, string function)
    {
        if (status != 0)
        {
            throw new CudaException($"{function} of {_name} failed with {Text(status)} ({status}).");
        }
    }

    private static string Text(int status) => Marshal.PtrToStringUTF8((nint)Nvrtc.GetErrorString(status)) ?? "an unknown code";
}
