namespace TrainPlannerModel.Training;

/// <summary>The planner model's shape: a Qwen3 decoder small enough to commit.</summary>
internal sealed record PlannerShape(int VocabularySize)
{
    /// <summary>The longest position that training shows the model.</summary>
    public const int ContextLength = 4096;

    public int LayerCount { get; init; } = 4;

    public int HiddenSize { get; init; } = 256;

    public int QueryHeadCount { get; init; } = 4;

    public int KeyValueHeadCount { get; init; } = 2;

    public int HeadDim { get; init; } = 64;

    public int IntermediateSize { get; init; } = 704;

    public double RopeTheta { get; init; } = 1_000_000;

    public double RmsNormEpsilon { get; init; } = 1e-6;
}
