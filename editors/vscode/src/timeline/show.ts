/** What the strip can show: the hostcalls of a recording, or the messages of a system. */

import type { Layout } from './layout.js';
import type { FromPanel } from './messages.js';
import type { Window } from './scale.js';
import type { Theme } from './theme.js';

/** How it is seen. */
export interface Sight {
  readonly window: Window;
  readonly layout: Layout;
  readonly theme: Theme;
}

/** What a pointer or the keys have chosen. */
export interface Pointed {
  readonly tip: string;
  /** Where a click leads, and one with the shift key; nowhere, if there is none. */
  readonly go?: FromPanel;
  readonly goOther?: FromPanel;
}

export interface Show {
  /** Whose it is. */
  readonly recording: string;
  /** How long the axis is, and where the present is on it. */
  readonly length: number;
  readonly here: number;
  readonly moment: string;
  readonly ending: string;
  /** What a person who does not see it is told of the strip, and of its keys. */
  readonly label: string;
  readonly keys: string;

  layout(width: number, height: number, widthOf: (text: string) => number): Layout;
  paint(context: CanvasRenderingContext2D, sight: Sight): void;
  /** Asks for what lacks of what is seen. */
  ask(sight: Sight): void;
  /** Chooses what is at a pixel. */
  point(x: number, y: number, sight: Sight): Pointed | undefined;
  /** Chooses the next one, or the one before; the first one, or the last. */
  step(by: -1 | 1, sight: Sight): void;
  stepTo(end: 'first' | 'last'): void;
  /** What is chosen, with its place on the axis and its height. */
  chosen(sight: Sight): (Pointed & { readonly place: number; readonly y: number }) | undefined;
  forget(): void;
  /** What is read out while nothing is chosen, and which number it has. */
  spoken(): { readonly text: string; readonly number: number; readonly most: number };
}
