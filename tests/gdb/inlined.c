// Calls that are inlined: in one another, two on a line, last on a line, in loops, with a
// real call inside.
#define ALWAYS static inline __attribute__((always_inline))
#define NEVER __attribute__((noinline))

volatile int seed = 3;

NEVER int outside(int x) {
  int y = x * 3;
  seed = y & 7;
  return y + 1;
}

ALWAYS int square(int x) {
  int r = x * x;
  seed = r;
  return r;
}

ALWAYS int sum_of_squares(int a, int b) {
  int s = square(a);
  s += square(b) * 3;
  return s;
}

ALWAYS int with_a_call(int x) {
  int before = x + seed;
  int got = outside(before);
  return got ^ before;
}

ALWAYS int counted(int n) {
  int c = 0;
  for (int i = 0; i < n; i++) {
    c += seed;
    seed = c + i;
  }
  return c;
}

NEVER int work(int n, int *out) {
  int total = 0;
  for (int i = 0; i < n; i++) {
    total += sum_of_squares(i, n);
    out[i] = total;
  }
  return total;
}

NEVER int twice_on_a_line(int a, int b) {
  int both = square(a) + square(b);
  seed = both;
  return both;
}

NEVER int calls_inside(int n) {
  int got = 0;
  while (n > 0) {
    got += with_a_call(n);
    n--;
  }
  return got;
}

NEVER void last_on_a_line(int n) {
  seed = n;
  if (n > 2)
    seed = square(n);
}

NEVER int loops_inside(int n) {
  int c = counted(n);
  c += counted(n + 1);
  return c;
}

NEVER int factorial(int n) {
  if (n < 2)
    return 1;
  int rest = factorial(n - 1);
  return square(n) + rest;
}

int main(void) {
  int out[8];
  int t = work(3, out);
  t += twice_on_a_line(t, 4);
  t += calls_inside(2);
  last_on_a_line(t);
  last_on_a_line(1);
  t += loops_inside(2);
  t += factorial(3);
  seed = t;
  return t & 63;
}
