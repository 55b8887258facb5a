import { expect, test } from 'vitest'
import { namesSecret } from './secret_names.ts'

const secrets = `api_key x-api-key apiKey openai_api_key OPENAI_API_KEY db.password password user.password db_password_2
  authorization http.request.header.authorization proxy-authorization access_token refresh_token client_secret
  clientSecret secret_value secret_key_base auth.token bearer credential credentials aws_secret_access_key private_key
  connection_string connectionString session_cookie sessionid PHPSESSID.cookie jwt authorization_code
  user_api_key metadata.user_api_key litellm.api_key passphrase stripe_secret_key token webhook_secret password_hash`

const others = `api_key_alias apiKeyAlias user_api_key_alias user_api_key_team_id user_api_key_user_id
  user_api_key_end_user_id user_api_key_org_id llm.user_api_key_alias user_api_key_spend user_api_key_request_route
  authorization.decision authorization.policy authorization_result password_policy password.strength passwordPolicy
  password_expires_at token_count tokenCount max_tokens maxTokens tokens_used token.type token_budget tokens_per_second
  secret_name secret.version credentials.source credential_source apiKeySource api_key.source access_key_id auth_token_id
  credential.provider authorization_server cookie_domain token_rate_limit secret_manager jwt.issuer jwt_kid_id public_key
  time_per_token time_to_first_token token_expires_in authorization.action authorization.allowed cookie_consent
  prompt_tokens llm.usage.total_tokens secretary keyboard`

test.each(secrets.trim().split(/\s+/))('%s names a secret', (name) => {
  expect(namesSecret(name)).toBe(true)
})

test.each(others.trim().split(/\s+/))('%s does not', (name) => {
  expect(namesSecret(name)).toBe(false)
})
