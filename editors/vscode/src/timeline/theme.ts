/** The colours of the editor's theme, as a canvas needs them. */

export interface Theme {
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly stripe: string;
  readonly failed: string;
  readonly mark: string;
  readonly here: string;
  readonly pointer: string;
  readonly onLane: string;
  /** Taken in turn by the lanes. */
  readonly lanes: readonly string[];
  readonly font: string;
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const first = (...names: string[]) => names.map((name) => style.getPropertyValue(name).trim()).find((value) => value !== '');
  const text = first('--vscode-foreground', '--vscode-editor-foreground') ?? 'CanvasText';
  const colours = ['charts-blue', 'charts-green', 'charts-purple', 'terminal-ansiCyan', 'terminal-ansiBrightMagenta'];
  const lanes = colours.map((colour) => first(`--vscode-${colour}`) ?? text);
  return {
    text,
    faint: first('--vscode-descriptionForeground') ?? text,
    line: first('--vscode-contrastBorder', '--vscode-panel-border', '--vscode-widget-border') ?? text,
    stripe: first('--vscode-list-hoverBackground') ?? 'transparent',
    failed: first('--vscode-charts-red', '--vscode-errorForeground') ?? text,
    mark: first('--vscode-charts-yellow') ?? text,
    here: first('--vscode-debugIcon-breakpointCurrentStackframeForeground', '--vscode-focusBorder') ?? text,
    pointer: first('--vscode-focusBorder') ?? text,
    onLane: first('--vscode-editor-background') ?? 'Canvas',
    lanes,
    font: first('--vscode-font-family') ?? 'sans-serif',
  };
}
