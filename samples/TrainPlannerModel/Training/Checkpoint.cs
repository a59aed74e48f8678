using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TrainPlannerModel.Training;

/// <summary>Saves and restores a training run. A save is written aside and renamed, so a killed run keeps the last whole one.</summary>
internal sealed class Checkpoint(string folder)
{
    private string FilePath => Path.Combine(folder, "latest.checkpoint");

    public void Save(PlannerParameters parameters, MuonAdam optimizer, int step, long tokens)
    {
        Directory.CreateDirectory(folder);
        string draft = FilePath + ".draft";
        using (BinaryWriter writer = new(File.Create(draft)))
        {
            writer.Write(step);
            writer.Write(tokens);
            foreach (Tensor tensor in Tensors(parameters, optimizer))
            {
                writer.Write(tensor.detach().bytes);
            }
        }

        File.Move(draft, FilePath, overwrite: true);
    }

    /// <summary>Restores the newest checkpoint into the tensors given; (0, 0) where there is none.</summary>
    public (int Step, long Tokens) Load(PlannerParameters parameters, MuonAdam optimizer)
    {
        if (!File.Exists(FilePath))
        {
            return (0, 0);
        }

        using IDisposable noGrad = no_grad();
        using BinaryReader reader = new(File.OpenRead(FilePath));
        (int step, long tokens) = (reader.ReadInt32(), reader.ReadInt64());
        foreach (Tensor tensor in Tensors(parameters, optimizer))
        {
            byte[] bytes = reader.ReadBytes(checked((int)(tensor.NumberOfElements * sizeof(float))));
            float[] values = new float[tensor.NumberOfElements];
            Buffer.BlockCopy(bytes, 0, values, 0, bytes.Length);
            using Tensor saved = torch.tensor(values, tensor.shape);
            tensor.copy_(saved);
        }

        return (step, tokens);
    }

    private static IEnumerable<Tensor> Tensors(PlannerParameters parameters, MuonAdam optimizer) =>
        parameters.ByName.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (Tensor)pair.Value)
            .Concat(optimizer.State.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => pair.Value));
}
