namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>What kernels need is missing, or a function of the CUDA driver or compiler failed; the message names the function and the code.</summary>
internal sealed class CudaException(string message) : Exception(message);
