/** What a recording holds, when one is opened: `rr-dap trace info`, and a link to debug it. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import type { Adapters } from './adapter.js';
import { offer } from './launching.js';
import { recordingPage, type RecordingInfo } from './recordingPage.js';

const run = promisify(execFile);
const LONGEST_ANSWER = 64 << 20;

interface Opened extends vscode.CustomDocument {
  readonly uri: vscode.Uri;
}

export class RecordingEditor implements vscode.CustomReadonlyEditorProvider<Opened> {
  static register(adapters: Adapters): vscode.Disposable {
    return vscode.window.registerCustomEditorProvider('rr-dap.recording', new RecordingEditor(adapters));
  }

  private constructor(private readonly adapters: Adapters) {}

  openCustomDocument(uri: vscode.Uri): Opened {
    void offer();
    return { uri, dispose: () => undefined };
  }

  async resolveCustomEditor({ uri }: Opened, { webview }: vscode.WebviewPanel): Promise<void> {
    webview.options = { enableScripts: false, enableCommandUris: ['rr-dap.debugRecording'] };
    const link = `command:rr-dap.debugRecording?${encodeURIComponent(JSON.stringify([uri]))}`;
    webview.html = recordingPage(uri.path.slice(uri.path.lastIndexOf('/') + 1), link, await this.info(uri));
  }

  private async info(uri: vscode.Uri): Promise<RecordingInfo | { readonly error: string }> {
    const program = this.adapters.program(vscode.workspace.getWorkspaceFolder(uri));
    if (program.kind !== 'found') {
      return { error: 'The program rr-dap was not found, so nothing more is known: see the setting "rr-dap.path".' };
    }
    try {
      const { stdout } = await run(program.path, ['trace', 'info', '--json', uri.fsPath], { maxBuffer: LONGEST_ANSWER });
      return JSON.parse(stdout) as RecordingInfo;
    } catch (error) {
      const said = (error as { stderr?: string }).stderr?.trim();
      return { error: said || (error instanceof Error ? error.message : String(error)) };
    }
  }
}
