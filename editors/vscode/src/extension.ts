/** The extension's door: everything that VS Code is given. */

import * as vscode from 'vscode';
import { Adapters } from './adapter.js';
import { TYPE } from './configuration.js';
import { HandlesView } from './handlesView.js';
import { HostcallsView } from './hostcallsView.js';
import { LanguageServers } from './languageServer.js';
import { Configurations, debugFile, FoundConfigurations, offerIfFound } from './launching.js';
import { follow, followLinks } from './links.js';
import { MessagesView } from './messagesView.js';
import { RecordingEditor } from './recordingEditor.js';
import { Recordings, reporting } from './recording.js';
import { RequestsView } from './requestsView.js';
import { StatusBar } from './statusBar.js';
import { TasksView } from './tasksView.js';
import { TimelinePanel } from './timeline/panel.js';
import { travelCommands } from './travel.js';

/** What other extensions may ask. */
export interface Api {
  /** Where in time the session is, as the status bar has it; empty without a session. */
  momentText(): string;
  /** Does what a link made by "Copy Link to This Moment" is for. */
  openLink(uri: vscode.Uri): Promise<void>;
}

export function activate(context: vscode.ExtensionContext): Api {
  const recordings = new Recordings();
  const statusBar = new StatusBar(recordings);
  const adapters = new Adapters(context.extensionPath);
  const open = (file?: vscode.Uri) => reporting(() => debugFile(file && vscode.Uri.from(file)));
  context.subscriptions.push(
    recordings,
    statusBar,
    vscode.debug.registerDebugAdapterDescriptorFactory(TYPE, adapters),
    vscode.debug.registerDebugConfigurationProvider(TYPE, new Configurations(adapters)),
    vscode.debug.registerDebugConfigurationProvider(
      TYPE,
      new FoundConfigurations(),
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    RecordingEditor.register(adapters),
    vscode.commands.registerCommand('rr-dap.debugRecording', open),
    vscode.commands.registerCommand('rr-dap.recordAndDebug', open),
    ...travelCommands(recordings, context.extension.id),
    followLinks(recordings),
    new LanguageServers(recordings, adapters),
    new RequestsView(recordings),
    new MessagesView(recordings),
    new HostcallsView(recordings),
    new HandlesView(recordings),
    new TasksView(recordings),
    new TimelinePanel(context.extensionUri, recordings),
  );
  void offerIfFound();
  return {
    momentText: () => statusBar.text.replace(/^\$\([^)]*\) /, ''),
    openLink: (uri) => follow(uri, recordings),
  };
}
