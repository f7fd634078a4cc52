/** The repository that the walks of test/fixtures/clients build: a page with a greeting from the environment. */
export const walkedSite = {
  'amplify.yml': `version: 1
frontend:
  phases:
    build:
      commands:
        - mkdir site
        - echo "<h1>$GREETING, walked</h1>" > site/index.html
  artifacts:
    baseDirectory: site
    files: ['**/*']
`,
}
