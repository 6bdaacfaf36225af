#include "tests/engine/op_list.h"

#include <algorithm>
#include <sstream>

#include "base/strings.h"

namespace varve::engine {
namespace {

uint64_t Below(std::mt19937_64& random, uint64_t n) { return random() % n; }

std::string RandomLine(std::mt19937_64& random, int64_t* clock) {
  *clock += static_cast<int64_t>(Below(random, 20));
  const int64_t time = Below(random, 4) == 0 ? static_cast<int64_t>(Below(random, 3000))
                                             : std::min<int64_t>(*clock, 2999);
  std::string line = base::StrCat("m", Below(random, 2), ",t=", Below(random, 3), " ");
  const uint64_t fields = 1 + Below(random, 15);
  bool first = true;
  const auto add = [&](const std::string& text) {
    if (!first) line += ',';
    first = false;
    line += text;
  };
  if (fields & 1) add(base::StrCat("a=", static_cast<double>(Below(random, 1000)) / 4));
  if (fields & 2) add(base::StrCat("b=", Below(random, 1000), "i"));
  if (fields & 4) add(base::StrCat("c=\"", Below(random, 100), "\""));
  if (fields & 8) add(base::StrCat("d=", Below(random, 2) == 0 ? "true" : "false"));
  return base::StrCat(line, " ", time, "\n");
}

}  // namespace

std::string Op::Text() const {
  switch (kind) {
    case Kind::kWrite:
      return base::StrCat("Write(R\"(", lines, ")\");");
    case Kind::kDelete:
      return base::StrCat("Delete({\"", measurement, "\"}, {", range.min_ns, ", ", range.max_ns,
                          "});");
    case Kind::kFlush:
      return "Flush();";
    case Kind::kCompact:
      return "Compact();";
    case Kind::kReopen:
      return "Reopen();";
    case Kind::kCutPower:
      return "CutPower();";
  }
  return "";
}

std::vector<Op> RandomOps(std::mt19937_64& random, size_t count, bool with_restarts) {
  std::vector<Op> ops;
  int64_t clock = 0;
  while (ops.size() < count) {
    Op op;
    const uint64_t dice = Below(random, 100);
    if (dice < 65) {
      op.kind = Op::Kind::kWrite;
      for (uint64_t i = 1 + Below(random, 8); i > 0; --i) op.lines += RandomLine(random, &clock);
    } else if (dice < 73) {
      op.kind = Op::Kind::kDelete;
      op.measurement = base::StrCat("m", Below(random, 2));
      const auto a = static_cast<int64_t>(Below(random, 3000));
      op.range = {a, a + static_cast<int64_t>(Below(random, 1500))};
    } else if (dice < 86) {
      op.kind = Op::Kind::kFlush;
    } else if (dice < 92) {
      op.kind = Op::Kind::kCompact;
    } else if (!with_restarts) {
      continue;
    } else {
      op.kind = dice < 96 ? Op::Kind::kReopen : Op::Kind::kCutPower;
    }
    ops.push_back(std::move(op));
  }
  return ops;
}

void StoreModel::Apply(const Op& op) {
  if (op.kind == Op::Kind::kWrite) {
    std::istringstream lines(op.lines);
    std::string key;
    std::string fields;
    int64_t time;
    while (lines >> key >> fields >> time) {
      Row& row = measurements_[key.substr(0, key.find(','))][key][time];
      std::istringstream parts(fields);
      std::string part;
      while (std::getline(parts, part, ',')) {
        const size_t equal = part.find('=');
        row[part.substr(0, equal)] = part.substr(equal + 1);
      }
    }
  } else if (op.kind == Op::Kind::kDelete) {
    for (auto& [key, rows] : measurements_[op.measurement]) {
      std::erase_if(rows, [&](const auto& entry) { return op.range.Contains(entry.first); });
    }
  }
}

std::string StoreModel::Dump() const {
  std::string text;
  for (const auto& [measurement, series] : measurements_) {
    for (const auto& [key, rows] : series) {
      for (const auto& [time, row] : rows) {
        text += base::StrCat(key, " ", time, " ");
        bool first = true;
        for (const auto& [name, value] : row) {
          text += base::StrCat(first ? "" : ",", name, "=", value);
          first = false;
        }
        text += '\n';
      }
    }
  }
  return text;
}

}  // namespace varve::engine
