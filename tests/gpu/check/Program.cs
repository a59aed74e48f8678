using MixKVQ.AgentConnector.GpuCheck;

return await CheckProgram.RunAsync(args);
