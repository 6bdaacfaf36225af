// A varved of the build under test, in a temporary folder on a free port.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace varve::server {

// Starts a server and waits until it answers /ping.
class VarvedProcess {
 public:
  // `folder` is the data folder; `arguments` come behind --data-dir and --http-bind-address.
  explicit VarvedProcess(const std::string& folder, std::vector<std::string> arguments = {});
  ~VarvedProcess();  // stops it with SIGTERM
  VarvedProcess(const VarvedProcess&) = delete;
  VarvedProcess& operator=(const VarvedProcess&) = delete;

  int port() const { return port_; }
  void Signal(int signal);
  // Sends SIGKILL and waits.
  void Kill();
  // Sends SIGTERM, waits, and returns the exit code (-1: it died of a signal).
  int Stop();
  // Waits for an end that comes by itself, as Stop() does.
  int Wait();

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

// Runs a program of the build and returns its exit code; `output` gets stdout and stderr.
int RunProgram(const std::vector<std::string>& arguments, std::string* output);
std::string VarvedPath();
std::string VarvePath();
int FreePort();

}  // namespace varve::server
