namespace TrainPlannerModel.Training;

/// <summary>What a training run is made from.</summary>
/// <param name="Seed">Seed of the weights and of the dialogues.</param>
/// <param name="TokenBudget">Tokens to train on, padding included; the schedule is laid over it.</param>
/// <param name="CheckpointFolder">Where the run saves itself and resumes from.</param>
internal sealed record TrainingOptions(int Seed, long TokenBudget, string CheckpointFolder);
