/** Random choices that are the same in every run: a failure can be run again. */
export function* choices(count) {
  for (let seed = 1; seed <= count; seed++) {
    let state = seed * 0x9e3779b1;
    const real = () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
    yield { real, integer: (least, most) => least + Math.floor(real() * (most - least + 1)) };
  }
}
