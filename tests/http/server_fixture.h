// A server on a free port over fakes of what it stands on.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/env.h"
#include "http/query_threads.h"
#include "http/server.h"
#include "http/tls.h"
#include "meta/catalog.h"
#include "tests/http/fakes.h"
#include "tests/temporary_folder.h"

namespace varve::http {

class ServerFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    catalog_ = *meta::Catalog::Open(base::Env::Default(), folder_.path());
    ASSERT_TRUE(catalog_->CreateDatabase("d", std::nullopt).ok());
    executor_.run = [](const query::QueryRequest&, query::ResultSink& sink) {
      return SendRows(sink, 2);
    };
    options_.port = 0;
    options_.threads = 2;
    options_.max_body_bytes = 100'000;
  }
  void TearDown() override {
    if (server_) server_->Stop(1000);
    threads_.reset();
    store_.reset();
    server_.reset();
  }

  // Over TLS when there is a context.
  void StartServer(std::shared_ptr<const TlsContext> tls = nullptr) {
    threads_ = std::make_unique<QueryThreads>(16, 16);
    Services services;
    services.env = &base::Env::Default();
    services.catalog = catalog_.get();
    services.store = store_.get();
    services.executor = &executor_;
    services.metrics = &metrics_;
    services.query_threads = threads_.get();
    services.options = options_;
    services.start_ns = services.env->NowNs();
    services.tls = std::move(tls);
    auto server = Server::Start(services);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  TemporaryFolder folder_;
  std::unique_ptr<meta::Catalog> catalog_;
  std::unique_ptr<FakeStore> store_ = std::make_unique<FakeStore>();
  FakeExecutor executor_;
  Metrics metrics_;
  HttpOptions options_;
  std::unique_ptr<QueryThreads> threads_;
  std::unique_ptr<Server> server_;
};

}  // namespace varve::http
