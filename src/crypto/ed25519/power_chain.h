// The exponentiations of the field, for every kind of element: one, several in turn, several side by side.
//
// Element needs mul(a, b) and square_times(a, times). A template, so that no function compiled for one CPU is
// shared with another: included by field51.cpp, and by each backend after it has set its instruction set.
#pragma once

namespace sovereign::crypto::ed25519 {

// a^(2^250 - 1), and a^11 on the way: the shared beginning of the exponentiations. (Bernstein, "Curve25519:
// new Diffie-Hellman speed records", 2006, has this chain.)
template <class Element>
struct Power250 {
  Element a250;
  Element a11;
};

template <class Element>
Power250<Element> power250(const Element& a) {
  const Element a2 = square_times(a, 1);
  const Element a9 = mul(a, square_times(a2, 2));
  const Element a11 = mul(a2, a9);
  const Element e5 = mul(a9, square_times(a11, 1));  // a^(2^5 - 1), and so on
  const Element e10 = mul(square_times(e5, 5), e5);
  const Element e20 = mul(square_times(e10, 10), e10);
  const Element e40 = mul(square_times(e20, 20), e20);
  const Element e50 = mul(square_times(e40, 10), e10);
  const Element e100 = mul(square_times(e50, 50), e50);
  const Element e200 = mul(square_times(e100, 100), e100);
  return {mul(square_times(e200, 50), e50), a11};
}

// a^((p - 5) / 8) = a^(2^252 - 3).
template <class Element>
Element power_p58_of(const Element& a) {
  return mul(square_times(power250(a).a250, 2), a);
}

// So many elements, worked on in turn: each step of one waits for its step before, and the others fill the
// time.
template <class Element, int count>
struct InTurn {
  Element element[count];
};

template <class Element, int count>
InTurn<Element, count> mul(const InTurn<Element, count>& f, const InTurn<Element, count>& g) {
  InTurn<Element, count> out;
  for (int i = 0; i < count; ++i) out.element[i] = mul(f.element[i], g.element[i]);
  return out;
}

template <class Element, int count>
InTurn<Element, count> square_times(InTurn<Element, count> f, int times) {
  for (; times > 0; --times)
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) f.element[i] = square(f.element[i]);
  return f;
}

}  // namespace sovereign::crypto::ed25519
