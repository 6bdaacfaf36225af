#include "query_driver.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <iostream>

#include "base/checksum.h"
#include "base/status.h"
#include "latencies.h"
#include "server_usage.h"

namespace varve::bench {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The requests of a query, one for each variant; none if it cannot be asked.
std::vector<std::string> TargetsOf(const Query& query, const Shape& shape,
                                   const QueryOptions& options) {
  std::vector<std::string> targets;
  const std::string start = "/query?epoch=ms&db=" + options.database + "&q=";
  if (options.metricsql) {
    for (const Select& select : query.selects) {
      std::string target = MetricsQlTarget(select, shape);
      if (!target.empty()) targets.push_back(std::move(target));
    }
  } else if (!query.statement.empty()) {
    targets.push_back(start + UrlEncode(query.statement));
  } else {
    for (const Select& select : query.selects)
      targets.push_back(start + UrlEncode(InfluxQl(select)));
  }
  return targets;
}

struct Answers {
  std::string digest;
  double bytes = 0;  // of one
};

absl::StatusOr<Answers> AskOnce(Client& client, const std::string& name,
                                const std::vector<std::string>& targets,
                                const QueryOptions& options) {
  std::string digests;
  Answers answers;
  for (size_t i = 0; i < targets.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string body, client.Get(targets[i]), targets[i]);
    digests += fmt::format("{:016x}", base::Checksum(body));
    answers.bytes += static_cast<double>(body.size()) / static_cast<double>(targets.size());
    if (options.answers_folder.empty()) continue;
    const std::string path = fmt::format("{}/{}.{}.json", options.answers_folder, name, i);
    std::ofstream file(path, std::ios::binary);
    if (!(file << body << std::flush)) return base::Internal("cannot write ", path);
  }
  answers.digest = fmt::format("{:016x}", base::Checksum(digests));
  return answers;
}

// Returns the members of the JSON object that tell of the measured repetitions.
absl::StatusOr<std::string> Measure(Client& client, const std::vector<std::string>& targets,
                                    const QueryOptions& options) {
  ServerUsage before;
  if (options.pid != 0) {
    RETURN_IF_ERROR(ResetPeakMemory(options.pid));
    ASSIGN_OR_RETURN(before, ReadUsage(options.pid));
  }
  Latencies latencies;
  uint64_t asked = 0;
  const auto start = Clock::now();
  for (double passed = 0; asked < options.repetitions || passed < options.seconds;
       passed = SecondsSince(start)) {
    if (asked > 0 && passed > options.seconds_max) break;
    const auto from = Clock::now();
    ASSIGN_OR_RETURN(const std::string body, client.Get(targets[asked % targets.size()]));
    latencies.Add(SecondsSince(from) * 1e3);
    ++asked;
  }
  std::string members = fmt::format(R"("repetitions": {}, {})", asked, latencies.Quantiles());
  if (options.pid != 0) {
    ASSIGN_OR_RETURN(const ServerUsage after, ReadUsage(options.pid));
    members +=
        fmt::format(R"(, "cpu_ms": {:.4g}, "peak_memory_mb": {:.1f})",
                    (after.cpu_seconds - before.cpu_seconds) * 1e3 / static_cast<double>(asked),
                    static_cast<double>(after.peak_memory_bytes) / 1e6);
  }
  return members;
}

}  // namespace

absl::Status AskAll(const std::vector<Query>& queries, const Shape& shape,
                    const QueryOptions& options) {
  Client client(options.address);
  for (const Query& query : queries) {
    const std::vector<std::string> targets = TargetsOf(query, shape, options);
    if (targets.empty()) continue;
    ASSIGN_OR_RETURN(const Answers answers, AskOnce(client, query.name, targets, options));
    ASSIGN_OR_RETURN(const std::string members, Measure(client, targets, options), query.name);
    std::cout << fmt::format(R"({{"query": "{}", {}, "answer_bytes": {:.0f}, "digest": "{}"}})",
                             query.name, members, answers.bytes, answers.digest)
              << std::endl;
  }
  return absl::OkStatus();
}

}  // namespace varve::bench
