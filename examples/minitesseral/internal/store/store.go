// Package store holds every query of the service against PostgreSQL.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Errors that callers tell apart.
var (
	ErrNotMigrated    = errors.New("the database has no schema yet: apply the migrations first")
	ErrDirty          = errors.New("a migration stopped half-way: repair the schema and force its version")
	ErrNotFound       = errors.New("not found")
	ErrDogfoodPresent = errors.New("the dogfood project exists already")
)

// Store answers questions from one database.
type Store struct {
	pool *pgxpool.Pool
}

// Open prepares a connection pool for dsn. It only connects once a query is
// made, so a database that is still starting is no error here.
func Open(ctx context.Context, dsn string) (*Store, error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return &Store{pool: pool}, nil
}

// Close releases all connections.
func (s *Store) Close() { s.pool.Close() }

// SchemaVersion makes a round trip to the database and returns the number of
// the newest migration applied to it.
func (s *Store) SchemaVersion(ctx context.Context) (int64, error) {
	var one int
	if err := s.pool.QueryRow(ctx, `SELECT 1`).Scan(&one); err != nil {
		return 0, fmt.Errorf("the database doesn't answer: %w", err)
	}
	var present bool
	err := s.pool.QueryRow(ctx, `SELECT to_regclass('schema_migrations') IS NOT NULL`).Scan(&present)
	if err != nil {
		return 0, fmt.Errorf("look for the schema: %w", err)
	}
	if !present {
		return 0, ErrNotMigrated
	}
	var version int64
	var dirty bool
	err = s.pool.QueryRow(ctx, `SELECT version, dirty FROM schema_migrations LIMIT 1`).Scan(&version, &dirty)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, ErrNotMigrated
	case err != nil:
		return 0, fmt.Errorf("read the schema version: %w", err)
	case dirty:
		return version, fmt.Errorf("version %d: %w", version, ErrDirty)
	}
	return version, nil
}

// Project is one tenant of the service.
type Project struct {
	ID          string    `json:"id"`
	DisplayName string    `json:"displayName"`
	Dogfood     bool      `json:"dogfood"`
	VaultDomain string    `json:"vaultDomain"`
	CreateTime  time.Time `json:"createTime"`
}

const selectProjects = `
SELECT p.id, p.display_name, p.is_dogfood, coalesce(d.domain, ''), p.create_time
FROM projects p
LEFT JOIN vault_domains d ON d.project_id = p.id AND d.is_primary`

func scanProject(row pgx.CollectableRow) (Project, error) {
	var p Project
	err := row.Scan(&p.ID, &p.DisplayName, &p.Dogfood, &p.VaultDomain, &p.CreateTime)
	p.CreateTime = p.CreateTime.UTC()
	return p, err
}

// Projects lists all projects, the oldest first.
func (s *Store) Projects(ctx context.Context) ([]Project, error) {
	rows, err := s.pool.Query(ctx, selectProjects+` ORDER BY p.create_time, p.id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanProject)
}

// DogfoodProject returns the project with the given id, or the one marked as
// dogfood project when id is empty; ErrNotFound when there is none.
func (s *Store) DogfoodProject(ctx context.Context, id string) (Project, error) {
	rows, err := s.pool.Query(ctx, selectProjects+`
WHERE CASE WHEN $1 = '' THEN p.is_dogfood ELSE p.id = $1 END`, id)
	if err != nil {
		return Project{}, err
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanProject)
	if errors.Is(err, pgx.ErrNoRows) {
		return Project{}, ErrNotFound
	}
	return p, err
}

// SigningKey is the public half of a key for sessions (ECDSA on P-256).
type SigningKey struct {
	ID string
	X  []byte
	Y  []byte
}

// SigningKeys lists the keys that still hold, the oldest first.
func (s *Store) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	rows, err := s.pool.Query(ctx, `
SELECT id, public_x, public_y FROM session_signing_keys
WHERE expire_time > now() ORDER BY create_time, id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[SigningKey])
}

// Dogfood is what CreateDogfood writes.
type Dogfood struct {
	ProjectID     string
	DisplayName   string
	ConsoleDomain string
	VaultDomain   string
	UserID        string
	Email         string
	PasswordHash  string
	Key           SigningKey
	KMSKeyID      string
	KMSEndpoint   string
}

// CreateDogfood writes the first project, its vault domain, its owner and its
// signing key in one transaction; ErrDogfoodPresent when there is one already.
func (s *Store) CreateDogfood(ctx context.Context, d Dogfood) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Two runs at once must not both find an empty table.
		if _, err := tx.Exec(ctx, `LOCK TABLE projects IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		var present bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM projects WHERE is_dogfood)`).Scan(&present)
		if err != nil {
			return err
		}
		if present {
			return ErrDogfoodPresent
		}
		if _, err := tx.Exec(ctx, `
INSERT INTO projects (id, display_name, is_dogfood, console_domain) VALUES ($1, $2, true, $3)`,
			d.ProjectID, d.DisplayName, d.ConsoleDomain); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
INSERT INTO vault_domains (domain, project_id, is_primary) VALUES ($1, $2, true)`,
			d.VaultDomain, d.ProjectID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
INSERT INTO users (id, project_id, email, password_hash, is_owner) VALUES ($1, $2, $3, $4, true)`,
			d.UserID, d.ProjectID, d.Email, d.PasswordHash); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
INSERT INTO session_signing_keys (id, project_id, public_x, public_y, kms_key_id, kms_endpoint, expire_time)
VALUES ($1, $2, $3, $4, $5, $6, now() + interval '10 years')`,
			d.Key.ID, d.ProjectID, d.Key.X, d.Key.Y, d.KMSKeyID, d.KMSEndpoint)
		return err
	})
}
