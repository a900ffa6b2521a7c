using ThreeFs.Cli.Commands;

return await Root.Create().Parse(args).InvokeAsync();
