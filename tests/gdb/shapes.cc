// Classes with methods that are inlined or virtual, templates and lambdas.
#define NEVER __attribute__((noinline))

volatile int sink;

class Shape {
public:
  virtual int area() const = 0;
  int doubled() const {
    int once = area();
    return once * 2;
  }
};

class Square : public Shape {
  int side;

public:
  explicit Square(int side) : side(side) { sink = side; }
  NEVER int area() const override {
    sink = side;
    return side * side;
  }
};

class Box : public Shape {
  int width, height;

public:
  Box(int width, int height) : width(width), height(height) { sink = width; }
  NEVER int area() const override {
    int product = width * height;
    sink = product;
    return product;
  }
};

template <typename T> struct Stack {
  T items[8];
  int count = 0;
  void push(T item) {
    items[count] = item;
    count++;
  }
  T pop() {
    count--;
    return items[count];
  }
};

template <typename T> NEVER T largest(T a, T b) {
  if (a > b)
    return a;
  return b;
}

NEVER int measure(const Shape &shape) {
  int got = shape.doubled();
  sink = got;
  return got;
}

NEVER int stacked(int n) {
  Stack<int> stack;
  for (int i = 0; i < n; i++)
    stack.push(i + sink);
  int sum = 0;
  while (stack.count > 0) {
    sum += stack.pop();
    sink = sum;
  }
  return sum;
}

NEVER int applied(int n) {
  auto add = [n](int x) {
    sink = x;
    return x + n;
  };
  int first = add(1);
  int second = add(first);
  return second;
}

int main() {
  Square square(3);
  Box box(2, 5);
  int total = measure(square);
  total += measure(box);
  total += stacked(3);
  total += applied(total);
  total += largest(total, 7);
  total += (int)largest(1.5, 2.5);
  sink = total;
  return total & 63;
}
