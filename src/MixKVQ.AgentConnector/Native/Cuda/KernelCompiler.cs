using System.Security.Cryptography;
using System.Text;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>Compiles programs for one device with NVRTC, or takes what was compiled before from the disk.</summary>
internal sealed unsafe class KernelCompiler
{
    private readonly KernelTarget _target;
    private readonly KernelCache _cache;
    private readonly string _version;

    /// <param name="architecture">The device's architecture, such as 90.</param>
    /// <param name="cache">Where images are kept.</param>
    /// <exception cref="CudaException">NVRTC is missing, or the device is too old.</exception>
    public KernelCompiler(int architecture, KernelCache cache)
    {
        NvrtcLibrary.Require();
        _target = KernelTarget.Choose(architecture, KnownArchitectures());
        _cache = cache;
        _version = Nvrtc.GetVersion(out int major, out int minor) == 0 ? $"{major}.{minor}" : "unknown";
    }

    /// <summary>The image of a program: machine code, or text with a zero at its end.</summary>
    /// <exception cref="CudaException">The program does not compile; the message holds the compiler's log.</exception>
    public byte[] Compile(KernelProgram program)
    {
        string source = KernelSources.Program(program.File);
        string[] options = [_target.Option, "--std=c++17", .. program.Defines];
        string key = Key(source, options);
        if (_cache.Find(key) is byte[] kept)
        {
            return kept;
        }

        using NvrtcProgram compiled = new($"{program.File}.cu", source, KernelSources.Headers);
        byte[] image = _target.IsPortable ? compiled.CompileToPtx(options) : compiled.CompileToCubin(options);
        _cache.Keep(key, image);
        return image;
    }

    /// <summary>The architectures that NVRTC compiles for, such as 80 and 90.</summary>
    /// <exception cref="CudaException">NVRTC does not say.</exception>
    private static int[] KnownArchitectures()
    {
        int status = Nvrtc.GetArchitectureCount(out int count);
        int[] architectures = new int[count];
        fixed (int* target = architectures)
        {
            return status == 0 && Nvrtc.GetArchitectures(target) == 0
                ? architectures
                : throw new CudaException("nvrtcGetSupportedArchs failed. Use a newer libtorch for CUDA.");
        }
    }

    /// <summary>A hash of everything that decides the image.</summary>
    private string Key(string source, IEnumerable<string> options)
    {
        IEnumerable<string> parts = [_version, .. options, source, .. KernelSources.Headers.SelectMany(header => (string[])[header.Name, header.Text])];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts))));
    }
}
