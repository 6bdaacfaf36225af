// CHECK ends the process when one of our own promises is broken; data from outside earns a Status.
//
// Debian 12's abseil has no CHECK, so these are ours. Each takes a streamed message:
//   CHECK_LE(min_ns, max_ns) << "encoder wrote an unsorted block";
// DCHECK is for per-value loops: it is checked in debug builds only, and compiles to nothing else.
#pragma once

#include <sstream>

namespace varve::base {

// Collects the message of a failed check, prints it with its place to stderr and aborts.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Gives the macro below an expression of type void on both sides of its conditional.
struct CheckVoidify {
  void operator&(std::ostream&) {}
};

}  // namespace varve::base

#define CHECK(condition)                        \
  (condition) ? static_cast<void>(0)            \
              : ::varve::base::CheckVoidify() & \
                    ::varve::base::CheckFailure(__FILE__, __LINE__, #condition).stream()
#define CHECK_EQ(a, b) CHECK((a) == (b))
#define CHECK_NE(a, b) CHECK((a) != (b))
#define CHECK_LT(a, b) CHECK((a) < (b))
#define CHECK_LE(a, b) CHECK((a) <= (b))
#define CHECK_GT(a, b) CHECK((a) > (b))
#define CHECK_GE(a, b) CHECK((a) >= (b))

#ifdef NDEBUG
#define DCHECK(condition) CHECK(true || (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif
#define DCHECK_EQ(a, b) DCHECK((a) == (b))
#define DCHECK_LT(a, b) DCHECK((a) < (b))
#define DCHECK_LE(a, b) DCHECK((a) <= (b))
