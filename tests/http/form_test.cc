#include "http/form.h"

#include <gtest/gtest.h>

#include "base/status.h"
#include "http/bound_parameters.h"

namespace varve::http {
namespace {

TEST(FormTest, TheFirstOfANameCounts) {
  const Form form = ParseUrlEncoded("a=1&b=x+y%21&a=2&c&=e");
  EXPECT_EQ(form.Get("a"), "1");
  EXPECT_EQ(form.Get("b"), "x y!");
  EXPECT_EQ(form.Get("c"), "");
  EXPECT_EQ(form.Get("none"), "");
}

TEST(FormTest, BadEscapesAndSemicolonsLoseTheirParameterOnly) {
  const Form form = ParseUrlEncoded("q=%zz&db=d&x=1;y=2&rp=%4");
  EXPECT_EQ(form.Get("q"), "");
  EXPECT_EQ(form.Get("db"), "d");
  EXPECT_EQ(form.Get("x"), "");
  EXPECT_EQ(form.Get("rp"), "");
}

Request Post(std::string type, std::string query, std::string body) {
  Request request;
  request.method = Method::kPost;
  request.query = std::move(query);
  request.headers.emplace_back("Content-Type", std::move(type));
  request.body = std::move(body);
  return request;
}

TEST(FormTest, ABodyComesBeforeTheAddress) {
  const Form form = RequestForm(
      Post("application/x-www-form-urlencoded; charset=utf-8", "q=address&db=d", "q=body"));
  EXPECT_EQ(form.Get("q"), "body");
  EXPECT_EQ(form.Get("db"), "d");
}

TEST(FormTest, ABodyOfAnotherTypeIsNoForm) {
  EXPECT_EQ(RequestForm(Post("text/plain", "", "q=body")).Get("q"), "");
}

TEST(FormTest, ReadsMultipartFieldsAndTheFileQ) {
  const std::string body =
      "--XX\r\nContent-Disposition: form-data; name=\"db\"\r\n\r\nd\r\n"
      "--XX\r\nContent-Disposition: form-data; name=\"q\"; filename=\"q.txt\"\r\n"
      "Content-Type: text/plain\r\n\r\nSELECT\r\n1\r\n--XX--\r\n";
  const Form form = RequestForm(Post("multipart/form-data; boundary=XX", "", body));
  EXPECT_EQ(form.Get("db"), "d");
  EXPECT_EQ(form.Get("q"), "SELECT\r\n1");
}

TEST(FormTest, EveryPrefixOfAMultipartBodyIsSafe) {
  const std::string body =
      "--XX\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nv\r\n--XX--\r\n";
  for (size_t n = 0; n <= body.size(); ++n) {
    RequestForm(Post("multipart/form-data; boundary=XX", "", body.substr(0, n)));
  }
}

TEST(BoundParametersTest, ReadsEachKind) {
  const auto parameters = ParseBoundParameters(
      R"({"i":2,"f":2.0,"s":"x","b":true,"r":{"regex":"^a"},"d":{"duration":"5m"},)"
      R"("n":{"identifier":"temp"},"g":{"float":3},"h":{"integer":90},"t":{"string":"y"}})");
  ASSERT_TRUE(parameters.ok()) << parameters.status();
  EXPECT_EQ(std::get<int64_t>(parameters->at("i").value), 2);
  EXPECT_EQ(std::get<double>(parameters->at("f").value), 2.0);
  EXPECT_EQ(std::get<std::string>(parameters->at("s").value), "x");
  EXPECT_EQ(std::get<bool>(parameters->at("b").value), true);
  EXPECT_EQ(parameters->at("r").kind, "regex");
  EXPECT_EQ(parameters->at("d").kind, "duration");
  EXPECT_EQ(parameters->at("n").kind, "identifier");
  EXPECT_EQ(std::get<double>(parameters->at("g").value), 3.0);
  EXPECT_EQ(std::get<int64_t>(parameters->at("h").value), 90);
  EXPECT_EQ(parameters->at("t").kind, "");
}

TEST(BoundParametersTest, ReadsLists) {
  const auto parameters = ParseBoundParameters(R"({"l":["a",2,2.5,true],"e":[]})");
  ASSERT_TRUE(parameters.ok()) << parameters.status();
  const auto& list = std::get<std::vector<query::ParameterValue>>(parameters->at("l").value);
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(std::get<std::string>(list[0].value), "a");
  EXPECT_EQ(std::get<int64_t>(list[1].value), 2);
  EXPECT_EQ(std::get<double>(list[2].value), 2.5);
  EXPECT_EQ(std::get<bool>(list[3].value), true);
  EXPECT_TRUE(std::get<std::vector<query::ParameterValue>>(parameters->at("e").value).empty());
}

TEST(BoundParametersTest, SaysWhatCannotBeBound) {
  const auto message = [](std::string_view json) {
    return std::string(base::MessageOf(ParseBoundParameters(json).status()));
  };
  EXPECT_EQ(message(R"({"s":null})"),
            "error parsing query: missing parameter: unable to bind parameter with type <nil>");
  EXPECT_EQ(message(R"({"s":["a",["b"]]})"),
            "error parsing query: missing parameter: a list holds strings, numbers or booleans "
            "only");
  EXPECT_EQ(message(R"({"s":{"nosuch":"a"}})"),
            "error parsing query: missing parameter: unknown bind object type: nosuch");
  EXPECT_EQ(message("[]").substr(0, 32), "error parsing query parameters: ");
  EXPECT_EQ(message("{bad").substr(0, 32), "error parsing query parameters: ");
}

}  // namespace
}  // namespace varve::http
