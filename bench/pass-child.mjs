// A process that does one kind of pass again and again, one each time it is asked: whatever else runs in a process changes
// how its loops are compiled, so every line of the table and every engine has one of its own.
//
//   node bench/pass-child.mjs MODULE FUNCTION ARGUMENTS       ARGUMENTS as a JSON array
const [module, name, args] = process.argv.slice(2);
const pass = (await import(module))[name];

process.on('message', async () => {
  try {
    const started = performance.now();
    const result = await pass(...JSON.parse(args));
    process.send({ seconds: (performance.now() - started) / 1000, result });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
