package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/minitesseral/internal/config"
	"example.com/minitesseral/internal/store"
)

// fakeData stands in for a database with one project, or for a broken one.
type fakeData struct{ err error }

var sample = store.Project{
	ID: "project_x", DisplayName: "X", Dogfood: true, VaultDomain: "vault.console.example.com",
	CreateTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
}

func (f fakeData) SchemaVersion(context.Context) (int64, error) { return 5, f.err }
func (f fakeData) Projects(context.Context) ([]store.Project, error) {
	return []store.Project{sample}, f.err
}
func (f fakeData) DogfoodProject(_ context.Context, id string) (store.Project, error) {
	if f.err == nil && id != "" && id != sample.ID {
		return store.Project{}, store.ErrNotFound
	}
	return sample, f.err
}
func (f fakeData) SigningKeys(context.Context) ([]store.SigningKey, error) {
	return []store.SigningKey{{ID: "k1", X: []byte{1}, Y: []byte{2}}}, f.err
}

func TestRoutes(t *testing.T) {
	broken := fakeData{err: errors.New("secret-host refused")}
	known := config.Config{ConsoleDomain: "console.example.com", DogfoodProjectID: "project_x"}
	unknown := config.Config{DogfoodProjectID: "project_other"}
	for _, tc := range []struct {
		name, path string
		config     config.Config
		data       fakeData
		status     int
		want       string
	}{
		{"health", "/api/internal/health", known, fakeData{}, 200, "ok"},
		{"health, no database", "/api/internal/health", known, broken, 503, "the database doesn't answer"},
		{"health, no schema", "/api/internal/health", known, fakeData{err: store.ErrNotMigrated}, 503, "apply the migrations"},
		{"projects", "/api/backend/v1/projects", known, fakeData{}, 200,
			`{"projects":[{"id":"project_x","displayName":"X","dogfood":true,"vaultDomain":"vault.console.example.com","createTime":"2026-01-02T03:04:05Z"}]}`},
		{"projects, no database", "/api/backend/v1/projects", known, broken, 503, `"error"`},
		{"whoami", "/api/backend/v1/whoami", known, fakeData{}, 200, `"path":"/api/backend/v1/whoami"`},
		{"config", "/api/config-api/v1/config", known, fakeData{}, 200, `"vaultDomain":"vault.console.example.com"`},
		{"config, unknown project", "/api/config-api/v1/config", unknown, fakeData{}, 404, "isn't in the database"},
		{"jwks", "/.well-known/jwks.json", known, fakeData{}, 200,
			`{"keys":[{"alg":"ES256","crv":"P-256","kid":"k1","kty":"EC","use":"sig","x":"AQ","y":"Ag"}]}`},
		{"no such route", "/api/none", known, fakeData{}, 404, "no route GET /api/none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := New(tc.config, tc.data, slog.New(slog.NewTextHandler(io.Discard, nil)))
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, tc.path, nil))
			if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.want) {
				t.Errorf("got %d %s, want %d with %s", rec.Code, rec.Body, tc.status, tc.want)
			}
			if strings.Contains(rec.Body.String(), "secret-host") {
				t.Error("the answer tells the cause of a database failure")
			}
		})
	}
}

func TestCrossOrigin(t *testing.T) {
	h := New(config.Config{ConsoleDomain: "console.example.com"}, fakeData{}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	for origin, want := range map[string]string{
		"https://console.example.com":      "https://console.example.com",
		"http://console.example.com:8080":  "http://console.example.com:8080",
		"https://console.example.com.evil": "",
		"https://other.example":            "",
		"":                                 "",
	} {
		req := httptest.NewRequest(http.MethodGet, "/api/backend/v1/projects", nil)
		req.Header.Set("Origin", origin)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if got := rec.Header().Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("origin %q: allowed %q, want %q", origin, got, want)
		}
	}
}
