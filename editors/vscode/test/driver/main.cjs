// Runs the scenario named by the environment in the extension host. What it asks of the page
// (clicks, keys, texts, pictures) goes to test/run-vscode.mjs, which has the browser.
const vscode = require('vscode');

exports.activate = async () => {
  const { RR_SCENARIO: scenario, RR_DRIVER: driver } = process.env;
  if (!scenario || !driver) return;
  const page = async (what, given = {}) => {
    const answer = await fetch(driver, { method: 'POST', body: JSON.stringify({ what, given }) });
    const { error, value } = await answer.json();
    if (error) throw new Error(`${what}: ${error}`);
    return value;
  };
  try {
    const { default: run } = await import(scenario);
    await run(vscode, page);
    await page('end', { passed: true });
  } catch (error) {
    await page('end', { passed: false, why: error.stack ?? String(error) });
  }
};
