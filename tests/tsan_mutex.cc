// Tells ThreadSanitizer what absl::Mutex, CondVar and Notification order. Linked into tests of the
// tsan build only.
//
// Debian's abseil is built without the sanitizer, which then sees no lock at all and reports every
// use of guarded data as a race. These definitions stand before the library's, call them, and name
// the ordering: what is done before an unlock happens before what follows a later lock.
#include <dlfcn.h>

#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);

// The library's own book of lock orders, kept under a spin lock the sanitizer does not see.
const char* __tsan_default_suppressions() {
  return "race:absl::debian3::synchronization_internal::GraphCycles\n";
}
}

namespace {

// The library's own function of that (mangled) name.
template <typename Function>
Function* Real(const char* name) {
  void* symbol = dlsym(RTLD_NEXT, name);
  if (symbol == nullptr) std::abort();
  return reinterpret_cast<Function*>(symbol);
}

}  // namespace

#define VARVE_MUTEX "_ZN4absl7debian35Mutex"
#define VARVE_NOTIFICATION "4absl7debian312Notification"
#define VARVE_CONDVAR "_ZN4absl7debian37CondVar"

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  static auto* real = Real<void(Mutex*)>(VARVE_MUTEX "4LockEv");
  real(this);
  __tsan_acquire(this);
}

void Mutex::Unlock() {
  static auto* real = Real<void(Mutex*)>(VARVE_MUTEX "6UnlockEv");
  __tsan_release(this);
  real(this);
}

bool Mutex::TryLock() {
  static auto* real = Real<bool(Mutex*)>(VARVE_MUTEX "7TryLockEv");
  const bool locked = real(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::ReaderLock() {
  static auto* real = Real<void(Mutex*)>(VARVE_MUTEX "10ReaderLockEv");
  real(this);
  __tsan_acquire(this);
}

void Mutex::ReaderUnlock() {
  static auto* real = Real<void(Mutex*)>(VARVE_MUTEX "12ReaderUnlockEv");
  __tsan_release(this);
  real(this);
}

void Mutex::Await(const Condition& condition) {
  static auto* real = Real<void(Mutex*, const Condition&)>(VARVE_MUTEX "5AwaitERKNS0_9ConditionE");
  __tsan_release(this);
  real(this, condition);
  __tsan_acquire(this);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, absl::Duration timeout) {
  static auto* real = Real<bool(Mutex*, const Condition&, absl::Duration)>(
      VARVE_MUTEX "16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  __tsan_release(this);
  const bool held = real(this, condition, timeout);
  __tsan_acquire(this);
  return held;
}

bool Mutex::AwaitWithDeadline(const Condition& condition, absl::Time deadline) {
  static auto* real = Real<bool(Mutex*, const Condition&, absl::Time)>(
      VARVE_MUTEX "17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  __tsan_release(this);
  const bool held = real(this, condition, deadline);
  __tsan_acquire(this);
  return held;
}

void Mutex::LockWhen(const Condition& condition) {
  static auto* real =
      Real<void(Mutex*, const Condition&)>(VARVE_MUTEX "8LockWhenERKNS0_9ConditionE");
  real(this, condition);
  __tsan_acquire(this);
}

void CondVar::Wait(Mutex* mutex) {
  static auto* real = Real<void(CondVar*, Mutex*)>(VARVE_CONDVAR "4WaitEPNS0_5MutexE");
  __tsan_release(mutex);
  real(this, mutex);
  __tsan_acquire(mutex);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, absl::Duration timeout) {
  static auto* real = Real<bool(CondVar*, Mutex*, absl::Duration)>(
      VARVE_CONDVAR "15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  __tsan_release(mutex);
  const bool timed_out = real(this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

bool CondVar::WaitWithDeadline(Mutex* mutex, absl::Time deadline) {
  static auto* real = Real<bool(CondVar*, Mutex*, absl::Time)>(
      VARVE_CONDVAR "16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  __tsan_release(mutex);
  const bool timed_out = real(this, mutex, deadline);
  __tsan_acquire(mutex);
  return timed_out;
}

void Notification::Notify() {
  static auto* real = Real<void(Notification*)>("_ZN" VARVE_NOTIFICATION "6NotifyEv");
  __tsan_release(this);
  real(this);
}

void Notification::WaitForNotification() const {
  static auto* real =
      Real<void(const Notification*)>("_ZNK" VARVE_NOTIFICATION "19WaitForNotificationEv");
  real(this);
  __tsan_acquire(const_cast<Notification*>(this));
}

ABSL_NAMESPACE_END
}  // namespace absl
