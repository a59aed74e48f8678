using TrainPlannerModel;

const string usage = """
    Trains and measures the embedded planner model.

      train     [--output samples/model] [--seed 1] [--tokens 24000000] [--threads 0] [--checkpoints checkpoints/planner]
                trains from scratch, or goes on from the newest checkpoint, and writes the model's folder
      export    [--output samples/model] [--seed 1] [--checkpoints checkpoints/planner]
                writes the model's folder from the newest checkpoint
      evaluate  [--model samples/model] [--tasks 100] [--texts 24] [--report samples/model/REPORT.md]
                plays held-out tasks and measures each cache policy, and writes the report

    Paths are relative to the current folder; --threads 0 uses every core.
    """;

try
{
    CommandLine commandLine = new(args);
    switch (commandLine.Verb)
    {
        case "train":
            Commands.Train(commandLine);
            return 0;
        case "export":
            Commands.Export(commandLine);
            return 0;
        case "evaluate":
            await Commands.EvaluateAsync(commandLine).ConfigureAwait(false);
            return 0;
        default:
            Console.WriteLine(usage);
            return commandLine.Verb is "" or "--help" ? 0 : 2;
    }
}
catch (ArgumentException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 2;
}
