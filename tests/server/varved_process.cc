#include "tests/server/varved_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace varve::server {
namespace {

pid_t Spawn(const std::vector<std::string>& arguments, int output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    // What a test has not written is not there; a test of the statistics turns them on.
    setenv("VARVE_MONITOR_STORE_ENABLED", "false", /*overwrite=*/0);
    if (output >= 0) {
      dup2(output, STDOUT_FILENO);
      dup2(output, STDERR_FILENO);
    }
    execv(argv[0], argv.data());
    _exit(127);
  }
  return pid;
}

int ExitCode(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace

std::string VarvedPath() { return VARVE_BIN_DIR "/varved"; }
std::string VarvePath() { return VARVE_BIN_DIR "/varve"; }

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

int RunProgram(const std::vector<std::string>& arguments, std::string* output) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  const pid_t pid = Spawn(arguments, ends[1]);
  close(ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    output->append(buffer, static_cast<size_t>(n));
  }
  close(ends[0]);
  return ExitCode(pid);
}

VarvedProcess::VarvedProcess(const std::string& folder, std::vector<std::string> arguments)
    : port_(FreePort()) {
  std::vector<std::string> all = {VarvedPath(), "--data-dir", folder, "--http-bind-address",
                                  "127.0.0.1:" + std::to_string(port_)};
  all.insert(all.end(), std::make_move_iterator(arguments.begin()),
             std::make_move_iterator(arguments.end()));
  const int log = open((folder + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  pid_ = Spawn(all, log);
  close(log);
  httplib::Client client("127.0.0.1", port_);
  for (int i = 0; i < 3000; ++i) {
    if (client.Get("/ping")) return;
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  pid_ = -1;
  ADD_FAILURE() << "varved does not answer; its log is " << folder << ".log";
}

VarvedProcess::~VarvedProcess() {
  if (pid_ > 0) Stop();
}

void VarvedProcess::Signal(int signal) {
  if (pid_ > 0) kill(pid_, signal);
}

void VarvedProcess::Kill() {
  if (pid_ > 0) kill(pid_, SIGKILL);
  Wait();
}

int VarvedProcess::Stop() {
  if (pid_ > 0) kill(pid_, SIGTERM);
  return Wait();
}

int VarvedProcess::Wait() {
  if (pid_ <= 0) return -1;
  return ExitCode(std::exchange(pid_, -1));
}

}  // namespace varve::server
