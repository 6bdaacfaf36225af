#include "queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace varve::bench {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr size_t kVariants = 8;
constexpr const char* kCpuFields[] = {
    "usage_user", "usage_system",  "usage_idle",  "usage_nice",  "usage_iowait",
    "usage_irq",  "usage_softirq", "usage_steal", "usage_guest", "usage_guest_nice"};

std::vector<Call> CpuCalls(const std::string& function, size_t fields) {
  std::vector<Call> calls;
  for (size_t i = 0; i < fields; ++i) calls.push_back({function, kCpuFields[i]});
  return calls;
}

class Catalog {
 public:
  Catalog(const Shape& shape, uint64_t seed) : shape_(shape), random_(seed) {}

  Select Base(std::vector<Call> calls) const {
    Select select;
    select.measurement = shape_.measurement;
    select.calls = std::move(calls);
    return select;
  }

  // Limits `select` to `span_ns` at random, on a multiple of `step_ns` from the start.
  void LimitTime(Select& select, int64_t span_ns, int64_t step_ns) {
    const int64_t whole = shape_.end_ns - shape_.start_ns;
    const int64_t places = std::max<int64_t>(whole - span_ns, 0) / step_ns + 1;
    select.from_ns = shape_.start_ns + Random(places) * step_ns;
    select.until_ns = std::min(select.from_ns + span_ns, shape_.end_ns);
  }

  void LimitToLast(Select& select, int64_t span_ns) const {
    select.from_ns = std::max(shape_.start_ns, shape_.end_ns - span_ns);
    select.until_ns = shape_.end_ns;
  }

  // `count` different series' values `prefix` + number of the tag.
  void LimitSeries(Select& select, const std::string& tag, std::string_view form, size_t count) {
    select.tag = tag;
    while (select.tag_values.size() < std::min<size_t>(count, shape_.series)) {
      std::string value =
          fmt::format(fmt::runtime(form), Random(static_cast<int64_t>(shape_.series)));
      if (std::ranges::find(select.tag_values, value) == select.tag_values.end()) {
        select.tag_values.push_back(std::move(value));
      }
    }
  }

  int64_t Random(int64_t below) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(below));
  }

  void Add(const std::string& name, Select select) {
    queries.push_back({name, {std::move(select)}});
  }

  // `make` fills in the hosts and times of each variant of `select`.
  template <typename Make>
  void AddVariants(const std::string& name, const Select& select, Make make) {
    Query query{name};
    for (size_t i = 0; i < kVariants; ++i) {
      query.selects.push_back(select);
      make(query.selects.back());
    }
    queries.push_back(std::move(query));
  }

  void AddStatement(const std::string& name, std::string statement, bool estimate = false) {
    Query query{name};
    query.statement = std::move(statement);
    query.estimate = estimate;
    queries.push_back(std::move(query));
  }

  std::vector<Query> queries;

 private:
  const Shape shape_;
  std::mt19937_64 random_;
};

void AddDevops(Catalog& catalog, const Shape& shape) {
  constexpr struct {
    size_t fields, hosts;
    int64_t hours;
  } kGroupBys[] = {{1, 1, 1}, {1, 1, 12}, {1, 8, 1}, {5, 1, 1}, {5, 1, 12}, {5, 8, 1}};
  for (const auto& [fields, hosts, hours] : kGroupBys) {
    Select select = catalog.Base(CpuCalls("max", fields));
    select.window_s = 60;
    catalog.AddVariants(fmt::format("single-groupby-{}-{}-{}", fields, hosts, hours), select,
                        [&](Select& variant) {
                          catalog.LimitSeries(variant, "hostname", "host_{}", hosts);
                          catalog.LimitTime(variant, hours * kHour, 60 * kSecond);
                        });
  }
  for (const size_t hosts : {1, 8}) {
    Select select = catalog.Base(CpuCalls("max", std::size(kCpuFields)));
    select.window_s = 3600;
    catalog.AddVariants(fmt::format("cpu-max-all-{}", hosts), select, [&](Select& variant) {
      catalog.LimitSeries(variant, "hostname", "host_{}", hosts);
      catalog.LimitTime(variant, 8 * kHour, kHour);
    });
  }
  for (const size_t fields : {size_t{1}, size_t{5}, std::size(kCpuFields)}) {
    Select select = catalog.Base(CpuCalls("mean", fields));
    select.window_s = 3600;
    select.group_by = {"hostname"};
    select.single_series_groups = true;
    catalog.LimitToLast(select, 12 * kHour);
    catalog.Add(fields == std::size(kCpuFields) ? "double-groupby-all"
                                                : fmt::format("double-groupby-{}", fields),
                select);
  }
  Select high = catalog.Base({{"", "*"}});
  high.above_field = "usage_user";
  high.above = 90;
  catalog.LimitToLast(high, 12 * kHour);
  catalog.AddVariants("high-cpu-1", high, [&](Select& variant) {
    catalog.LimitSeries(variant, "hostname", "host_{}", 1);
  });
  catalog.Add("high-cpu-all", high);

  Select last = catalog.Base({{"", "*"}});
  last.group_by = {"hostname"};
  last.single_series_groups = true;
  last.newest_first = true;
  last.limit = 1;
  catalog.Add("lastpoint", last);

  Select newest = catalog.Base(CpuCalls("max", 1));
  newest.until_ns = shape.end_ns;
  newest.window_s = 60;
  newest.newest_first = true;
  newest.limit = 5;
  catalog.Add("groupby-orderby-limit", newest);

  catalog.Add("count-field", catalog.Base({{"count", "usage_user"}}));
}

void AddIot(Catalog& catalog, const Shape& shape) {
  catalog.AddVariants("sensor-hour-raw", catalog.Base({{"", "*"}}), [&](Select& variant) {
    catalog.LimitSeries(variant, "sensor", "s{}", 1);
    catalog.LimitToLast(variant, kHour);
  });
  Select week = catalog.Base({{"mean", "temperature"}});
  week.window_s = 3600;
  week.tag = "floor";
  week.tag_values = {"1"};
  catalog.LimitToLast(week, 7 * 24 * kHour);
  catalog.Add("floor-week-hourly", week);

  Select all = catalog.Base({{"mean", "temperature"}});
  all.window_s = 3600;
  all.from_ns = shape.start_ns;
  all.until_ns = shape.end_ns;
  catalog.Add("all-hourly", all);

  Select month = all;
  month.calls = {{"mean", "temperature"}, {"min", "temperature"}, {"max", "temperature"}};
  catalog.AddVariants("sensor-month-hourly", month,
                      [&](Select& variant) { catalog.LimitSeries(variant, "sensor", "s{}", 1); });
  catalog.Add("count-field", catalog.Base({{"count", "temperature"}}));
  catalog.Add("count-all", catalog.Base({{"count", "*"}}));
  catalog.Add("top-5", catalog.Base({{"top", "temperature", 5}}));

  Select percentile = all;
  percentile.calls = {{"percentile", "power", 99}};
  percentile.group_by = {"floor"};
  catalog.Add("p99-floor-hourly", percentile);

  Select pattern = catalog.Base({{"max", "temperature"}});
  pattern.tag = "room";
  pattern.tag_pattern = "^[13]0[2-5]$";
  pattern.window_s = 3600;
  catalog.LimitToLast(pattern, 24 * kHour);
  catalog.Add("rooms-by-pattern", pattern);

  catalog.AddStatement("tag-values", "SHOW TAG VALUES FROM room WITH KEY = sensor");
  catalog.AddStatement("series-cardinality", "SHOW SERIES CARDINALITY", true);
}

void AddHighcard(Catalog& catalog) {
  catalog.Add("mean-all", catalog.Base({{"mean", "value"}}));
  catalog.Add("max-all", catalog.Base({{"max", "value"}}));
  Select by_district = catalog.Base({{"mean", "value"}});
  by_district.group_by = {"district"};
  catalog.Add("mean-by-district", by_district);
  catalog.Add("count-field", catalog.Base({{"count", "value"}}));
  catalog.AddVariants("meter-raw", catalog.Base({{"", "value"}}),
                      [&](Select& variant) { catalog.LimitSeries(variant, "id", "m{:07}", 1); });
  catalog.AddStatement("series-cardinality", "SHOW SERIES CARDINALITY", true);
  catalog.AddStatement("series-exact-cardinality", "SHOW SERIES EXACT CARDINALITY FROM meter");
}

void AddSingle(Catalog& catalog, const Shape& shape) {
  catalog.Add("count-field", catalog.Base({{"count", "value"}}));
  Select hourly = catalog.Base({{"mean", "value"}});
  hourly.window_s = 3600;
  hourly.from_ns = shape.start_ns;
  hourly.until_ns = shape.end_ns;
  catalog.AddVariants("probe-hourly", hourly,
                      [&](Select& variant) { catalog.LimitSeries(variant, "id", "p{}", 1); });
  catalog.Add("all-hourly", hourly);
}

}  // namespace

std::vector<Query> QueriesOf(const WorkloadOptions& options) {
  const Shape shape = ShapeOf(options);
  Catalog catalog(shape, options.seed);
  if (options.name == "devops") AddDevops(catalog, shape);
  if (options.name == "iot") AddIot(catalog, shape);
  if (options.name == "highcard") AddHighcard(catalog);
  if (options.name == "single") AddSingle(catalog, shape);
  return std::move(catalog.queries);
}

}  // namespace varve::bench
