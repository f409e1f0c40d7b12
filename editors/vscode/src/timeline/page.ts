/** The document of the panel *Timeline*. */

export interface PageParts {
  readonly nonce: string;
  /** Where the panel's own files may come from. */
  readonly source: string;
  readonly script: string;
  readonly style: string;
}

export function timelinePage({ nonce, source, script, style }: PageParts): string {
  const policy = `default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <link rel="stylesheet" href="${style}">
  <title>Timeline</title>
</head>
<body>
  <header>
    <span id="moment"></span>
    <span id="ending"></span>
    <button id="show" hidden></button>
    <span id="zoom">
      <button id="out" title="Zoom out (−)" aria-label="Zoom out">−</button>
      <button id="in" title="Zoom in (+)" aria-label="Zoom in">+</button>
      <button id="all" title="Show everything (0)" aria-label="Show everything">All</button>
    </span>
  </header>
  <p id="nothing" role="status">Waiting for the program to stop.</p>
  <main id="frame" hidden>
    <canvas id="strip" tabindex="0" role="slider" aria-label="Timeline of hostcalls" aria-valuemin="0"
      aria-describedby="keys"></canvas>
  </main>
  <p id="keys" class="unseen"></p>
  <div id="tip" role="tooltip" hidden></div>
  <div id="spoken" class="unseen" aria-live="polite"></div>
  <script type="module" nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}
