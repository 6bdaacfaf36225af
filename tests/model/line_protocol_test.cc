#include "model/line_protocol.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "base/strings.h"
#include "model/line_grammar.h"
#include "model/line_marks.h"
#include "model/line_number.h"

namespace varve::model {
namespace {

constexpr int64_t kDefaultTime = 1'600'000'000'123'456'789;

std::string Describe(const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat: {
      char text[40];
      std::snprintf(text, sizeof(text), "%.17g", value.as_float());
      return text;
    }
    case FieldType::kInteger:
      return base::StrCat(value.as_integer(), "i");
    case FieldType::kBoolean:
      return value.as_boolean() ? "true" : "false";
    case FieldType::kString:
      return base::StrCat("\"", value.as_string(), "\"");
    default:
      return "?";
  }
}

// "key|field=value,field=value|time", or "@" for the time of a line without one.
std::string Describe(const Line& line) {
  std::string out(line.raw_key);
  char separator = '|';
  for (const LineField& field : line.fields) {
    base::StrAppend(out, separator, field.raw_name, "=", Describe(field.value));
    separator = ',';
  }
  base::StrAppend(out, "|", line.has_time ? base::StrCat(line.time_ns) : "@");
  return out;
}

struct Outcome {
  std::vector<std::string> lines;
  std::string error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  for (const std::string& line : outcome.lines) *out << line << "\n";
  *out << "error: " << outcome.error;
}

// Takes up to `group` lines at once, and looks at them when it has all.
Outcome ReadInGroups(std::string_view body, Precision precision, size_t group) {
  LineReader reader(body, precision, kDefaultTime);
  Outcome outcome;
  std::vector<Line> lines(group);
  while (const size_t count = reader.Next(std::span(lines))) {
    for (size_t i = 0; i < count; ++i) outcome.lines.push_back(Describe(lines[i]));
  }
  outcome.error = reader.error();
  return outcome;
}

// Reads `body` from a heap block of its exact size, so that a sanitizer sees any read outside.
Outcome Read(std::string_view body, Precision precision = Precision::kNs) {
  const std::vector<char> exact(body.begin(), body.end());
  const std::string_view text(exact.data(), exact.size());
  Outcome outcome = ReadInGroups(text, precision, 1);
  EXPECT_EQ(ReadInGroups(text, precision, 3), outcome);
  return outcome;
}

// The same by the full grammar alone.
Outcome ReadByGrammar(std::string_view body, Precision precision = Precision::kNs) {
  Outcome outcome;
  const TimeRule rule{NanosecondsPer(precision), kDefaultTime};
  std::vector<LineField> fields;
  std::string text;
  std::string why;
  Line line;
  for (size_t at = 0; at < body.size();) {
    const size_t end = FindLineEnd(body, at);
    const LineKind kind = ParseLine(body.substr(at, end - at), rule, &fields, &text, &line, &why);
    if (kind == LineKind::kGood) outcome.lines.push_back(Describe(line));
    if (kind == LineKind::kBad) {
      if (!outcome.error.empty()) outcome.error += "\n";
      base::StrAppend(outcome.error, "unable to parse '", line.text, "': ", why);
    }
    at = end + 1;
  }
  return outcome;
}

struct Case {
  std::string_view body;
  std::string_view line;   // what Describe() gives of the one good line; empty: none
  std::string_view error;  // behind "unable to parse '...': "
};

// Every answer here was given by InfluxDB 1.6.7.
constexpr Case kCases[] = {
    {"m v=1", "m|v=1|@", ""},
    {"m,a=b v=1,w=2i,x=t,y=\"s\" 5", "m,a=b|v=1,w=2i,x=true,y=\"s\"|5", ""},
    {"m v=1 -5", "m|v=1|-5", ""},
    {" m  v=1  7  ", "m|v=1|7", ""},
    {"\tm v=1 7", "m|v=1|7", ""},
    {"m,t==a v=1 1", "m,t==a|v=1|1", ""},
    {"m \\==1 1", "m|\\==1|1", ""},
    {"m a\\ =1 1", "m|a\\ =1|1", ""},
    {"m v=\"a\"b 1", "m|v=\"a\"\"|1", ""},
    {"m v=\"a\\\"b\\\\c\\d\" 1", "m|v=\"a\"b\\c\\d\"|1", ""},
    {"m v=\"line\nbreak\" 1", "m|v=\"line\nbreak\"|1", ""},
    {"m v=.5 1", "m|v=0.5|1", ""},
    {"m v=-.5 1", "m|v=-0.5|1", ""},
    {"m v=1. 1", "m|v=1|1", ""},
    {"m \tv=1 1", "m|v=1|1", ""},
    {"m v=1 \t1", "m|v=1|1", ""},
    {std::string_view("m \0v=1 1", 8), "m|v=1|1", ""},
    {"m v=1.e5 3", "m|v=100000|3", ""},
    {"m v=-0 3", "m|v=-0|3", ""},
    {"m v=00012 4", "m|v=12|4", ""},
    {"m v=1e-400 5", "m|v=0|5", ""},
    {"m v=5e-324 5", "m|v=4.9406564584124654e-324|5", ""},
    {"m v=9223372036854775807i 5", "m|v=9223372036854775807i|5", ""},
    {"m v=-9223372036854775808i 5", "m|v=-9223372036854775808i|5", ""},
    {"m v=1 9223372036854775806", "m|v=1|9223372036854775806", ""},
    {"m v=1 -9223372036854775806", "m|v=1|-9223372036854775806", ""},
    {"m v=1 00000000000000000000000000005", "m|v=1|5", ""},
    {"m,t=a\"b,c\"=d v=1 10", "m,t=a\"b,c\"=d|v=1|10", ""},
    {"m a=1,a=2 1", "m|a=1,a=2|1", ""},
    {"m time=1 1", "m|time=1|1", ""},
    {"m,time=x v=1 1", "m,time=x|v=1|1", ""},
    {std::string_view("m\0 v=1 1", 8), std::string_view("m\0|v=1|1", 8), ""},
    {"# a comment", "", ""},
    {"   # a comment", "", ""},
    {"  \t ", "", ""},
    {"m", "", "missing fields"},
    {"m ", "", "invalid field format"},
    {"m v", "", "invalid field format"},
    {"m v=", "", "missing field value"},
    {"m =1", "", "missing field key"},
    {"m v=1,=2", "", "missing field key"},
    {"m \\=1 1", "", "invalid field format"},
    {"m v=1 x", "", "bad timestamp"},
    {"m v=1 1.5", "", "bad timestamp"},
    {"m v=1 -", "", "strconv.ParseInt: parsing \"-\": invalid syntax"},
    {"m v=1 1\r", "", "bad timestamp"},
    {"m v=1 5 extra", "", "point is invalid"},
    {"m v=2 9223372036854775807", "",
     "time outside range -9223372036854775806 - 9223372036854775806"},
    {"m v=4 -9223372036854775807", "",
     "time outside range -9223372036854775806 - 9223372036854775806"},
    {"m v=6 9223372036854775808", "",
     "strconv.ParseInt: parsing \"9223372036854775808\": value out of range"},
    {"m,t v=1", "", "missing tag value"},
    {"m,t= v=1", "", "missing tag value"},
    {"m,=x v=1", "", "missing tag key"},
    {"m, v=1", "", "missing tag key"},
    {"m,,t=a v=1", "", "missing tag key"},
    {"m,t=a=b v=1", "", "invalid tag format"},
    {"m,t=a", "", "missing fields"},
    {"m,t=a,t=b v=1", "", "duplicate tags"},
    {"m,t=a,s=a,t=b v=1", "", "duplicate tags"},
    {",t=a v=1", "", "missing measurement"},
    {"m,t=a\\ v=1 1614816000", "", "invalid tag format"},
    {"m v=abc", "", "invalid boolean"},
    {"m v=tRUE", "", "invalid boolean"},
    {"m v=+1", "", "invalid boolean"},
    {"m v==1", "", "invalid boolean"},
    {"m v=NaN", "", "invalid number"},
    {"m v=no", "", "invalid number"},
    {"m v=1i1", "", "invalid number"},
    {"m v=1u", "", "invalid number"},
    {"m v=-", "", "invalid number"},
    {"m v=-i", "", "invalid number"},
    {"m v=.", "", "invalid number"},
    {"m v=1.5.5", "", "invalid number"},
    {"m v=1.5i", "", "invalid number"},
    {"m v=0x1 1", "", "invalid number"},
    {"m v=1\t5", "", "invalid number"},
    {"m v=1\\", "", "invalid number"},
    {"m v=1e", "", "invalid float"},
    {"m v=1e400", "", "invalid float"},
    {"m v=9223372036854775808i", "",
     "unable to parse integer 9223372036854775808: strconv.ParseInt: parsing "
     "\"9223372036854775808\": value out of range"},
    {"m v=\"a", "", "unbalanced quotes"},
    {"m v=\"a\"b\" 1", "", "unbalanced quotes"},
    {"m v=\"a\" \"b\" 1", "", "bad timestamp"},
    {"m v=1, 5", "", "invalid field format"},
    {"m v=1,,w=2 5", "", "invalid field format"},
    {"m x\\\\=1,b=2 5", "m|x\\\\=1,b=2|5", ""},
    {"m x\\\\=1 5", "", "invalid value: field-key=x\\\\=1"},
};

TEST(LineReaderTest, AcceptsAndRefusesAsInfluxDbDoes) {
  for (const Case& each : kCases) {
    SCOPED_TRACE(each.body);
    const Outcome outcome = Read(each.body);
    if (each.line.empty()) {
      EXPECT_TRUE(outcome.lines.empty());
    } else {
      EXPECT_EQ(outcome.lines, std::vector<std::string>{std::string(each.line)});
    }
    if (each.error.empty()) {
      EXPECT_EQ(outcome.error, "");
    } else {
      const std::string_view text = each.body.substr(each.body.find_first_not_of(" \t"));
      EXPECT_EQ(outcome.error, base::StrCat("unable to parse '", text, "': ", each.error));
    }
  }
}

// Each line once more amid plain ones, so that it meets the fast reader in every position.
TEST(LineReaderTest, OddLinesLeaveTheirNeighboursAlone) {
  const std::string plain = "cpu,host=a,region=west u=1,v=2.5,w=3i,x=\"s\" 1600000000000000000";
  for (const Case& each : kCases) {
    if (each.body.ends_with('\\') || each.error == "unbalanced quotes") continue;
    SCOPED_TRACE(each.body);
    const std::string body = base::StrCat(plain, "\n", each.body, "\n\n", plain, "\n");
    EXPECT_EQ(Read(body), ReadByGrammar(body));
    const Outcome outcome = Read(body);
    ASSERT_EQ(outcome.lines.size(), each.line.empty() ? 2 : 3);
    EXPECT_EQ(outcome.lines.front(), outcome.lines.back());
  }
}

TEST(LineReaderTest, JoinsErrorsAndKeepsGoodLines) {
  const Outcome outcome = Read("m v=x 3\nm v=4 4\nm v=y 5\nn,t= v=1 7");
  EXPECT_EQ(outcome.lines, std::vector<std::string>{"m|v=4|4"});
  EXPECT_EQ(outcome.error,
            "unable to parse 'm v=x 3': invalid boolean\n"
            "unable to parse 'm v=y 5': invalid boolean\n"
            "unable to parse 'n,t= v=1 7': missing tag value");
}

TEST(LineReaderTest, BoundsTheErrorTextButCountsEveryBadLine) {
  std::string body;
  for (int i = 0; i < 20'000; ++i) body += "bad line\n";
  LineReader reader(body, Precision::kNs, 0);
  Line line;
  EXPECT_FALSE(reader.Next(&line));
  EXPECT_EQ(reader.errors(), 20'000);
  EXPECT_LT(reader.error().size(), (64 << 10) + 200);
}

TEST(LineReaderTest, RefusesKeysThatAreTooLong) {
  const std::string x66000(66000, 'x');
  const std::string tag = base::StrCat("m,t=a", x66000, " v=1");
  EXPECT_EQ(Read(tag).error,
            base::StrCat("unable to parse '", tag, "': max key length exceeded: 66005 > 65535"));
  const std::string field = base::StrCat("m f", x66000, "=1");
  EXPECT_EQ(Read(field).error,
            base::StrCat("unable to parse '", field, "': max key length exceeded: 66006 > 65535"));
  EXPECT_EQ(Read(base::StrCat("m s=\"", x66000, "\" 1\n")).lines.size(), 1);
}

TEST(LineReaderTest, AppliesThePrecision) {
  const struct {
    std::string_view name;
    std::string_view expected;
    int64_t default_time;
  } cases[] = {
      {"", "m|v=1|-5", kDefaultTime},
      {"n", "m|v=1|-5", kDefaultTime},
      {"u", "m|v=1|-5000", 1'600'000'000'123'456'000},
      {"ms", "m|v=1|-5000000", 1'600'000'000'123'000'000},
      {"s", "m|v=1|-5000000000", 1'600'000'000'000'000'000},
      {"m", "m|v=1|-300000000000", 1'599'999'960'000'000'000},
      {"h", "m|v=1|-18000000000000", 1'599'998'400'000'000'000},
  };
  for (const auto& each : cases) {
    Precision precision;
    ASSERT_TRUE(ParsePrecision(each.name, &precision)) << each.name;
    EXPECT_EQ(Read("m v=1 -5", precision).lines.front(), each.expected);
    LineReader reader("m v=1", precision, kDefaultTime);
    Line line;
    ASSERT_TRUE(reader.Next(&line));
    EXPECT_EQ(line.time_ns, each.default_time) << each.name;
    EXPECT_FALSE(line.has_time);
  }
  Precision precision;
  EXPECT_FALSE(ParsePrecision("d", &precision));
  LineReader before_1970("m v=1", Precision::kS, -1);
  Line line;
  ASSERT_TRUE(before_1970.Next(&line));
  EXPECT_EQ(line.time_ns, -1'000'000'000);
}

TEST(LineReaderTest, UnescapesFieldNames) {
  EXPECT_EQ(UnescapeFieldName("plain"), "plain");
  EXPECT_EQ(UnescapeFieldName("a\\ b\\,c\\=d\\\"e"), "a b,c=d\"e");
  EXPECT_EQ(UnescapeFieldName("a\\b\\\\"), "a\\b\\\\");
}

std::string Pick(std::mt19937_64& random, std::initializer_list<std::string_view> from) {
  return std::string(from.begin()[random() % from.size()]);
}

std::string RandomNumber(std::mt19937_64& random) {
  std::string text = Pick(random, {"", "", "", "-"});
  for (uint64_t n = random() % (random() % 4 == 0 ? 20 : 4); n > 0; --n) {
    text.push_back(static_cast<char>('0' + random() % 10));
  }
  if (random() % 3 == 0) {
    text.push_back('.');
    for (uint64_t n = random() % (random() % 4 == 0 ? 20 : 4); n > 0; --n) {
      text.push_back(static_cast<char>('0' + random() % 10));
    }
  }
  return text + Pick(random, {"", "", "", "i", "i", "e3", "E-7", "e", "u"});
}

// Mostly well-formed lines, with everything odd now and then.
std::string RandomLine(std::mt19937_64& random) {
  if (random() % 40 == 0)
    return Pick(random, {"", " ", "#", "# c = \"", "\\", "\"", "m", ",", "="});
  std::string line =
      Pick(random, {"m", "cpu", "a\\ b", "a b", "m\"", " m", "measurement_long_name"});
  for (uint64_t n = random() % 6; n > 0; --n) {
    const std::string key = random() % 8 == 0
                                ? Pick(random, {"", "a", "a\\=b", "very_long_tag_key_1", "\""})
                                : base::StrCat("tag_", n);
    const std::string value = Pick(random, {"x", "value", "a_very_long_tag_value_of_many_bytes",
                                            "1", "a\\,b", "=", "", "\"q\"", "x", "y", "z", "0"});
    base::StrAppend(line, ",", key, random() % 50 == 0 ? "" : "=", value);
  }
  line += Pick(random, {" ", " ", " ", " ", " ", " ", " ", "  ", "\t", ""});
  for (uint64_t n = random() % 5 + 1; n > 0; --n) {
    line += random() % 30 == 0 ? Pick(random, {"", "f\\ g", "\"f\"", "f=", ","}) : "field";
    if (random() % 50 != 0) line += "=";
    line +=
        random() % 2 == 0
            ? RandomNumber(random)
            : Pick(random, {"t", "true", "FALSE", "\"\"", "\"a b\"", "\"a\nb\"", "\"a\\\"b\"", "\"",
                            "\"a=1,b=2 3\"", "\"x\"y", "nan", "1 ", "T", "tru", "\"\\\\\""});
    if (n > 1) line += random() % 40 == 0 ? Pick(random, {",,", " ,", ""}) : ",";
  }
  if (random() % 3 != 0) {
    base::StrAppend(
        line, " ", Pick(random, {"", "", "", "-", " "}),
        Pick(random, {"1", "1600000000", "1600000000000000000", "9223372036854775806",
                      "9223372036854775807", "99999999999999999999", "x", "1 ", "12345678"}));
  }
  return line;
}

TEST(LineReaderTest, FastAndFullGrammarAgree) {
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    std::mt19937_64 random(seed);
    std::string body;
    for (uint64_t n = random() % 30 + 1; n > 0; --n)
      base::StrAppend(body, RandomLine(random), "\n");
    if (random() % 2 == 0) body.pop_back();
    const auto precision = static_cast<Precision>(random() % 6);
    ASSERT_EQ(Read(body, precision), ReadByGrammar(body, precision)) << "seed " << seed;
  }
}

TEST(LineReaderTest, FastAndFullGrammarAgreeOnEveryTruncation) {
  std::mt19937_64 random(5);
  std::string body =
      "cpu,host=a,region=west u=1,v=2.5,w=-3i,x=\"s\\\"t\",y=\"a\nb\",z=false "
      "1600000000000000000\n";
  for (int i = 0; i < 6; ++i) base::StrAppend(body, RandomLine(random), "\n");
  base::StrAppend(body, body);
  for (size_t size = 0; size <= body.size(); ++size) {
    const std::string_view part = std::string_view(body).substr(0, size);
    ASSERT_EQ(Read(part), ReadByGrammar(part)) << "size " << size;
  }
}

TEST(LineReaderTest, ReadsBodiesOfManyWindows) {
  std::string body;
  std::vector<std::string> expected;
  for (int i = 0; i < 5000; ++i) {
    base::StrAppend(body, "m,host=h", i, " v=", i, " ", i, "\n");
    expected.push_back(base::StrCat("m,host=h", i, "|v=", i, "|", i));
    if (i % 500 == 0) {
      const std::string text(40'000, 'x');
      base::StrAppend(body, "s t=\"", text, "\" 1\n");
      expected.push_back(base::StrCat("s|t=\"", text, "\"|1"));
    }
  }
  EXPECT_EQ(Read(body).lines, expected);
}

TEST(LineMarksTest, VectorsAndBytesAgree) {
  std::mt19937_64 random(3);
  constexpr std::string_view kLetters = ",= \n\"\\ab12\x80\xff\x0c\x1d\x2d\x3c\x00";
  for (size_t size = 0; size < 300; ++size) {
    std::string text(size + kMarkPadding, ',');
    for (size_t i = 0; i < size; ++i) {
      text[i] =
          random() % 4 == 0 ? static_cast<char>(random()) : kLetters[random() % kLetters.size()];
    }
    std::vector<uint32_t> fast(size);
    std::vector<uint32_t> slow(size);
    fast.resize(FindMarks(text.data(), size, fast.data()));
    slow.resize(FindMarksByByte(text.data(), size, slow.data()));
    ASSERT_EQ(fast, slow) << "size " << size;
  }
}

TEST(LineNumberTest, FloatsAreExactToTheBit) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 200'000; ++i) {
    const std::string text = RandomNumber(random);
    if (text.ends_with('u')) continue;
    const std::string body = base::StrCat("m v=", text);
    LineReader reader(body, Precision::kNs, 0);
    Line line;
    const bool good = !CheckNumber(text) && StartsNumber(text);
    ASSERT_EQ(reader.Next(&line), good) << text;
    if (!good) continue;
    if (text.ends_with('i')) {
      ASSERT_EQ(line.fields[0].value.as_integer(), std::strtoll(text.c_str(), nullptr, 10)) << text;
      continue;
    }
    ASSERT_EQ(std::bit_cast<uint64_t>(line.fields[0].value.as_float()),
              std::bit_cast<uint64_t>(std::strtod(text.c_str(), nullptr)))
        << text;
  }
}

}  // namespace
}  // namespace varve::model
