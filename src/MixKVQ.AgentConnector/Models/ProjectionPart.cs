using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>One of the checkpoint's projections that a fused <see cref="Projection"/> stacks.</summary>
/// <param name="Name">Without <c>.weight</c> and <c>.bias</c>.</param>
/// <param name="OutputSize">Rows of its weight.</param>
/// <param name="Change">
/// Replaces its weight [OutputSize, inputs] or bias [OutputSize], both float32, before rounding; null keeps them.
/// </param>
internal readonly record struct ProjectionPart(string Name, int OutputSize, Func<Tensor, Tensor>? Change = null);
