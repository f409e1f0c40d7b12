// Control flow: switches, loops of all kinds, early returns, values that are structs.
#define NEVER __attribute__((noinline))

volatile int sink;

struct pair {
  int first;
  long long second;
  double third;
};

NEVER static int classify(int n) {
  switch (n & 3) {
  case 0:
    sink = 10;
    return 1;
  case 1:
    sink = 20;
    break;
  case 2:
    sink = 30;
    /* fall through */
  default:
    sink += 1;
  }
  return n > 4 ? sink : -sink;
}

NEVER static struct pair make(int n) {
  struct pair made;
  made.first = n;
  made.second = (long long)n * n;
  made.third = n / 2.0;
  return made;
}

NEVER static int collatz(unsigned n) {
  int steps = 0;
  do {
    if (n % 2 == 0) {
      n /= 2;
    } else {
      n = 3 * n + 1;
    }
    steps++;
    if (steps > 9)
      goto out;
  } while (n != 1);
out:
  sink = steps;
  return steps;
}

NEVER static int grid(int width, int height) {
  int seen = 0;
  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      if (x == y)
        continue;
      if (x > 2)
        break;
      seen += sink;
      sink = seen;
    }
  }
  return seen;
}

int main(void) {
  int total = 0;
  for (int i = 0; i < 6; i++)
    total += classify(i);
  struct pair pair = make(total);
  total += pair.first + (int)pair.second;
  total += collatz(6);
  total += collatz(27);
  total += grid(4, 3);
  sink = total;
  return total & 63;
}
