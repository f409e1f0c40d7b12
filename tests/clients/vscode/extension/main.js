// Runs the scenario in the extension host as soon as the workbench is there; what it
// says goes to a file, as the host has no other way out.
const { appendFileSync } = require('node:fs');
const vscode = require('vscode');

exports.activate = async () => {
  const { RR_DAP_SCENARIO: scenario, RR_DAP_RESULT: result } = process.env;
  const say = line => appendFileSync(result, `${line}\n`);
  try {
    await require(scenario)(vscode, say);
    say('PASSED');
  } catch (error) {
    say(`FAILED ${error.stack ?? error}`);
  }
};
