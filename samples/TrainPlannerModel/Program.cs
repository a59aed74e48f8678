using TorchSharp;
using TrainPlannerModel.Training;
using TrainPlannerModel.Vocabulary;
using TrainPlannerModel.World;

int threads = int.Parse(args[2]);
torch.set_num_threads(threads);
var texts = Enumerable.Range(0, 3000).Select(seed => string.Concat(DialogueText.Render(new DialogueGenerator(new Random(seed)).Write(6, true)).Select(p => p.Text)));
var json = PlannerVocabulary.Build(texts);
var enc = new WordEncoder(json);
Console.WriteLine(enc.Size);
new Trainer(new PlannerShape(enc.Size), enc.Encode, new TrainingOptions(1, long.Parse(args[0]), args[1])).Run();
