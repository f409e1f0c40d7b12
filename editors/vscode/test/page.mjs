// What a scenario can do to the page of VS Code: the part of the test that has eyes and hands.
import { join } from 'node:path';

/** Everything asked for is waited for as long as this. */
const PATIENCE = 20_000;

export function hands(page, pictures) {
  const section = (name) => page.locator('.pane', { has: page.locator(`.pane-header[aria-label^="${name}"]`) });
  const rows = (name) => section(name).locator('.monaco-list-row');
  const strip = async () => (await timelineFrame(page)).locator('#strip');
  /** A place on the strip: how much of it is at the left, and above. */
  const spot = async (part, down = 0.5) => {
    const box = await (await strip()).boundingBox();
    return { x: box.x + box.width * part, y: box.y + box.height * down };
  };
  return {
    say: ({ text }) => console.log(text),
    picture: async ({ name }) => {
      // Until what was pointed at before has lost its tip.
      await page.waitForTimeout(700);
      await page.screenshot({ path: join(pictures, `${name}.png`) });
    },
    size: ({ width, height }) => page.setViewportSize({ width, height }),
    /** A button of a message. */
    button: ({ text }) => page.getByRole('button', { name: text }).first().click({ timeout: PATIENCE }),
    /** What is written in the rows of a view of the side bar. */
    rows: ({ view }) => rows(view).allInnerTexts(),
    clickRow: ({ view, text }) => rows(view).filter({ hasText: text }).first().click({ timeout: PATIENCE }),
    expandRow: ({ view, text }) =>
      rows(view).filter({ hasText: text }).first().locator('.monaco-tl-twistie').click({ timeout: PATIENCE }),
    openSection: async ({ view }) => {
      const header = section(view).locator('.pane-header');
      await header.waitFor({ timeout: PATIENCE });
      if ((await header.getAttribute('aria-expanded')) === 'false') await header.click({ timeout: PATIENCE });
    },
    closeSection: async ({ view }) => {
      const open = section(view).locator('.pane-header[aria-expanded="true"]');
      if ((await open.count()) > 0) await open.click({ timeout: PATIENCE });
    },
    menu: async ({ view, text, item }) => {
      const chosen = page.getByRole('menuitem', { name: item });
      // A view that is told anew meanwhile takes its menu away.
      for (let i = 0; i < 5 && (await chosen.count()) === 0; i++) {
        await rows(view).filter({ hasText: text }).first().click({ button: 'right', timeout: PATIENCE });
        await chosen.first().waitFor({ timeout: 2000 }).catch(() => {});
      }
      // A menu that has just come takes no clicks: it could be the one that opened it.
      for (let i = 0; i < 20 && (i === 0 || (await chosen.count()) > 0); i++) {
        await page.waitForTimeout(200);
        await chosen.click({ timeout: PATIENCE });
        await page.waitForTimeout(200);
      }
    },
    toolbar: ({ button }) => page.locator('.debug-toolbar').getByRole('button', { name: button }).first().click({ timeout: PATIENCE }),
    toolbarButtons: () =>
      page.locator('.debug-toolbar .action-label').evaluateAll((buttons) => buttons.map((button) => button.getAttribute('aria-label'))),
    /** Those that can be clicked. */
    toolbarEnabled: () =>
      page.locator('.debug-toolbar .action-label:not(.disabled)').evaluateAll((buttons) => buttons.map((button) => button.getAttribute('aria-label'))),
    keys: async ({ keys }) => {
      for (const key of keys) await page.keyboard.press(key);
    },
    type: async ({ text }) => {
      const input = page.locator('.quick-input-widget .quick-input-box input').first();
      await input.fill(text, { timeout: PATIENCE });
      await input.press('Enter');
    },
    choose: ({ text }) => page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first().click({ timeout: PATIENCE }),
    choices: () => page.locator('.quick-input-list .monaco-list-row').allInnerTexts(),
    statusBar: () => page.locator('.statusbar-item[id*="rr-dap"]').allInnerTexts(),
    notifications: () => page.locator('.notification-list-item-message').allInnerTexts(),
    timeline: async () => {
      const frame = await timelineFrame(page);
      return frame.evaluate(() => ({
        nothing: document.getElementById('nothing').hidden ? null : document.getElementById('nothing').textContent,
        moment: document.getElementById('moment').textContent,
        ending: document.getElementById('ending').textContent,
        tip: document.getElementById('tip').hidden ? null : document.getElementById('tip').textContent,
        spoken: document.getElementById('strip').getAttribute('aria-valuetext'),
        // Colours of the canvas: whether something is drawn.
        colours: (() => {
          const canvas = document.getElementById('strip');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const seen = new Set();
          for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
          return seen.size;
        })(),
      }));
    },
    pointTimeline: async ({ part, down }) => {
      const { x, y } = await spot(part, down);
      await page.mouse.move(x, y, { steps: 3 });
    },
    clickTimeline: async ({ part, down }) => {
      const { x, y } = await spot(part, down);
      await page.mouse.click(x, y);
    },
    wheelTimeline: async ({ part, by }) => {
      const { x, y } = await spot(part);
      await page.mouse.move(x, y);
      await page.mouse.wheel(0, by);
    },
    focusTimeline: async () => (await strip()).focus(),
    timelineButton: async ({ button }) => (await timelineFrame(page)).getByRole('button', { name: button }).click({ timeout: PATIENCE }),
    /** Text of an editor that is a web page, such as that of a recording. */
    pageText: async ({ has }) => (await frameWith(page, has)).innerText('body'),
    clickLink: async ({ text }) => (await frameWith(page, text)).getByRole('link', { name: text }).click({ timeout: PATIENCE }),
  };
}

function timelineFrame(page) {
  return frame(page, (candidate) => candidate.locator('#strip').count(), 'the timeline');
}

function frameWith(page, text) {
  return frame(page, async (candidate) => candidate !== page.mainFrame() && (await candidate.getByText(text).count()), `a page with ${text}`);
}

async function frame(page, fits, what) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await page.waitForTimeout(100)) {
    for (const candidate of page.frames()) if (await fits(candidate).catch(() => false)) return candidate;
  }
  throw new Error(`${what} is not there`);
}
